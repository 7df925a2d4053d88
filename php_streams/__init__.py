"""PHP's stream, network and file-handle functions over Python's standard library.

`from php_streams import *` brings PHP's names and `silence`, which stands for its @ operator.  Each name
lives in the chapter of the manual that it belongs to.
"""

# ruff: noqa: F403, PLE0604  (the stars are each chapter's __all__, which is a plain list of names)

from php_streams import (
    compression,
    constants,
    directory,
    errors,
    execution,
    files,
    filesystem,
    http,
    names,
    network,
    paths,
    sendmail,
    settings,
    standard,
    stream,
    stream_bucket,
    stream_context,
    stream_filter,
    stream_socket,
    stream_wrapper,
    variables,
    x509,
)
from php_streams._core import at_exit as _at_exit  # noqa: F401  (they register themselves)
from php_streams._core import spare as _spare  # noqa: F401
from php_streams._core.counted import guard as _guard
from php_streams._core.diagnostics import PhpDeprecated as PhpDeprecated
from php_streams._core.diagnostics import PhpDiagnostic as PhpDiagnostic
from php_streams._core.diagnostics import PhpFatalError as PhpFatalError
from php_streams._core.diagnostics import PhpNotice as PhpNotice
from php_streams._core.diagnostics import PhpWarning as PhpWarning
from php_streams.bridge import from_file as from_file
from php_streams.bridge import from_socket as from_socket
from php_streams.bridge import to_file as to_file
from php_streams.bridge import to_socket as to_socket
from php_streams.compression import *
from php_streams.constants import *
from php_streams.directory import *
from php_streams.directory import dir as dir
from php_streams.errors import *
from php_streams.execution import *
from php_streams.execution import exec as exec
from php_streams.files import *
from php_streams.filesystem import *
from php_streams.http import *
from php_streams.names import *
from php_streams.network import *
from php_streams.paths import *
from php_streams.sendmail import *
from php_streams.settings import *
from php_streams.standard import *
from php_streams.stream import *
from php_streams.stream_bucket import *
from php_streams.stream_context import *
from php_streams.stream_filter import *
from php_streams.stream_socket import *
from php_streams.stream_wrapper import *
from php_streams.variables import *
from php_streams.x509 import *

__all__ = [
    *filesystem.__all__,
    *files.__all__,
    *names.__all__,
    *paths.__all__,
    *directory.__all__,
    *execution.__all__,
    *sendmail.__all__,
    *compression.__all__,
    *network.__all__,
    *http.__all__,
    *stream.__all__,
    *stream_context.__all__,
    *stream_filter.__all__,
    *stream_bucket.__all__,
    *stream_wrapper.__all__,
    *stream_socket.__all__,
    *errors.__all__,
    *settings.__all__,
    *standard.__all__,
    *variables.__all__,
    *x509.__all__,
    *constants.__all__,
]

for _chapter in (
    *(compression, directory, errors, execution, files, filesystem, http, names, network, paths),
    *(sendmail, settings, stream, stream_bucket, stream_context, stream_filter, stream_socket),
    *(stream_wrapper, variables, x509),
):
    _guard(_chapter, getattr(_chapter, "__all__", ()), globals())
_guard(directory, ["dir"], globals())
_guard(execution, ["exec"], globals())
