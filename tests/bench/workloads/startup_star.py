from php_streams import *  # noqa: F403
