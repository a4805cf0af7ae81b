"""The shop over HTTP beside plain CRUD as the specification sketches it: same machine, same MongoDB."""
