"""Where OpenSSL looks for certificates when nothing else is said: facts of its build."""

from __future__ import annotations

import os
import ssl

from php_streams._core import ini


def locations() -> dict[str, str]:
    """openssl_get_cert_locations: places, the variables that replace them, and the settings.

    Python tells of two; the folder that both are in has a fixed place for private keys, too.
    """
    built_in = ssl.get_default_verify_paths()
    area = os.path.dirname(built_in.openssl_cafile)
    return {
        "default_cert_file": built_in.openssl_cafile,
        "default_cert_file_env": built_in.openssl_cafile_env,
        "default_cert_dir": built_in.openssl_capath,
        "default_cert_dir_env": built_in.openssl_capath_env,
        "default_private_dir": f"{area}/private",
        "default_default_cert_area": area,
        "ini_cafile": ini.get("openssl.cafile"),
        "ini_capath": ini.get("openssl.capath"),
    }
