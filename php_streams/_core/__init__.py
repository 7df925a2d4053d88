"""The engine: streams, raws, contexts, diagnostics.  It knows no wrapper, transport or filter by name."""
