"""The secrets that people would miss, sealed with a passphrase: what signs log-ins, links and trained models."""

import base64
import json
import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from hub.backup.errors import BackupRefused
from kit.secrets import SecretStore

# Passwords of embedded servers are not among them: a restored hub makes its own.
KEPT = ("login_secret", "link_secret", "model_secret")
SALT_BYTES = 16


def seal(secrets: SecretStore, target: Path, *, passphrase: str) -> None:
    salt = os.urandom(SALT_BYTES)
    plain = json.dumps({name: secrets.get(name) for name in KEPT}).encode()
    target.write_bytes(salt + Fernet(_key(passphrase, salt)).encrypt(plain))


def unseal(source: Path, *, passphrase: str) -> dict[str, str]:
    """Raises BackupRefused for a wrong passphrase."""
    raw = source.read_bytes()
    try:
        plain = Fernet(_key(passphrase, raw[:SALT_BYTES])).decrypt(raw[SALT_BYTES:])
    except InvalidToken:
        raise BackupRefused("the passphrase in HUB_BACKUP_PASSPHRASE is not the one of this backup") from None
    found: dict[str, str] = json.loads(plain)
    return found


def _key(passphrase: str, salt: bytes) -> bytes:
    return base64.urlsafe_b64encode(Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(passphrase.encode()))
