"""Data sets as stgraph reads them: a feature store, captions and splits in one folder."""
