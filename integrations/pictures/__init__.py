"""Pictures behind the catalogue's addresses, fetched without a look at what is not public."""

from integrations.pictures.fetcher import PictureFetcher

__all__ = ["PictureFetcher"]
