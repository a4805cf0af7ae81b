"""What a server needs beside the code: configuration files and the steps that prepare them."""
