"""The steps of a mailer with smtplib."""

import smtplib
import ssl


def hello(host, port, cafile):
    smtp = smtplib.SMTP(host, port, local_hostname="localhost", timeout=30)
    smtp.ehlo()
    if cafile:
        smtp.starttls(context=ssl.create_default_context(cafile=cafile))
        smtp.ehlo()
    return smtp
