"""Certificates of a test's own, by the openssl command."""

import os
import subprocess

TIMEOUT_S = 60


class Certificates:
    """A folder with a certificate authority, and what it signs for 127.0.0.1 and localhost."""

    def __init__(self, folder, name="ca"):
        self.folder, self.name = folder, name
        self.openssl("req", "-x509", *self.new_key(name), "-subj", f"/CN={name}", "-out", self.pem(name), "-days", "2")

    def openssl(self, *words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=TIMEOUT_S)

    def new_key(self, name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key(name)]

    def pem(self, name):
        return os.path.join(self.folder, name + ".pem")

    def key(self, name):
        return os.path.join(self.folder, name + ".key")

    def sign(self, name, days=2):
        request = os.path.join(self.folder, name + ".csr")
        self.openssl("req", *self.new_key(name), "-subj", f"/CN={name}", "-addext",
                     "subjectAltName=IP:127.0.0.1,DNS:localhost", "-out", request)
        self.openssl("x509", "-req", "-in", request, "-CA", self.pem(self.name), "-CAkey", self.key(self.name),
                     "-CAcreateserial", "-copy_extensions", "copy", "-days", str(days), "-out", self.pem(name))

    def flags(self, name, ca=None):
        return ["--tls-cert", self.pem(name), "--tls-key", self.key(name), "--tls-ca", self.pem(ca or self.name)]

    def read(self, path):
        with open(path, "rb") as file:
            return file.read()
