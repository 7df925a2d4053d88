import select  # noqa: F401
import socket  # noqa: F401
