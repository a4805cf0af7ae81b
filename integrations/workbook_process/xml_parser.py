"""An XML parser for files of strangers."""

from xml.parsers import expat

from integrations.workbook_process.refused import RefusedError


def safe_parser() -> expat.XMLParserType:
    """Refuses document types, and with them every entity that could grow or reach out."""
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_document_type
    return parser


def _refuse_document_type(*_: object) -> None:
    raise RefusedError("unreadable-file", "The workbook has a document type declaration")
