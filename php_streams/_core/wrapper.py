"""Wrapper: what a scheme in front of :// stands for (= php_stream_wrapper_ops).

A wrapper opens streams and answers for names: unlink, rename, stat ...  What it cannot do it leaves as it
is here, and the chapters say so in PHP's words.  What goes wrong is an OSError or a WrapperError, which the
chapters turn into PHP's warnings.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from php_streams._core.context import Context
    from php_streams._core.directory import DirectoryRaw
    from php_streams._core.stream import Stream


class WrapperError(Exception):
    """Why a wrapper did not open a stream, in PHP's words; "" when it has said so already.

    number: what errno is then, for scandir's sake.
    """

    def __init__(self, reason: str = "", number: int = errno.ENOTDIR) -> None:
        super().__init__(reason)
        self.number = number


class Wrapper:
    """One kind of URL; subclasses do what the kind can do."""

    label = ""  # wrapper_type of stream_get_meta_data
    remote = False  # it goes over the network: allow_url_fopen rules it
    can_unlink = can_rename = can_make_directories = can_touch = can_list = False

    def open(self, path: str, mode: str, options: int, context: Context | None) -> Stream:
        """A stream on `path`; options are STREAM_* bits."""
        raise WrapperError("wrapper does not support stream open")

    def open_directory(self, path: str, context: Context | None) -> DirectoryRaw:
        """The names in a folder."""
        raise WrapperError("not implemented")

    def stat(self, path: str, follow: bool, flags: int, context: Context | None) -> os.stat_result:
        """What is known of a name; OSError when there is nothing of that name.

        flags: STREAM_URL_STAT_*, for wrappers of the user's own.
        """
        raise OSError

    # What changes names returns False when it failed and said so; an OSError when PHP is to say why.

    def unlink(self, path: str, context: Context | None) -> bool | None:
        """Removes a file."""
        raise OSError

    def rename(self, old: str, new: str, context: Context | None) -> bool | None:
        """Gives a file or folder another name."""
        raise OSError

    def mkdir(self, path: str, mode: int, parents: bool, context: Context | None) -> bool | None:
        """Makes a folder."""
        raise OSError

    def rmdir(self, path: str, context: Context | None) -> bool | None:
        """Removes an empty folder."""
        raise OSError

    def touch(self, path: str, times: tuple[int, int] | None) -> bool | None:
        """Sets the times of access and modification (None: now); a file that is not there is made."""
        raise OSError

    def chmod(self, path: str, mode: int) -> bool | None:
        """Sets the permissions."""
        raise OSError

    def give(self, path: str, to: int | str, group: bool, follow: bool) -> bool | None:
        """Makes somebody the owner, or the group; by number or name.  follow: of what a link leads to."""
        raise OSError

    def access(self, path: str, access: int) -> bool | None:
        """Whether this process may do that (os.R_OK ...), or, for F_OK, whether it is there at all.

        None: what stat tells is to be looked at.  That root may read and write whatever the permissions are
        holds for plain files alone.
        """
        return None
