from select import *  # noqa: F403
from socket import *  # noqa: F403
from ssl import *  # noqa: F403
