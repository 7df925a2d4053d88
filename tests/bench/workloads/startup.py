import php_streams  # noqa: F401
