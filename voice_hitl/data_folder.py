"""The data folder: the database, the secret of the draws, and where a running server says its port.

It holds what callers said, so that a folder and a database made here are for their owner alone.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import orjson

from handoff.errors import StorageError
from handoff.storage import SqlStore
from voice_hitl.config import DATABASE, Config
from voice_hitl.errors import ConfigError

SAMPLING_KEY = "sampling.key"  # secret bytes that every draw for an audit hangs on
SERVER_FILE = "server.json"  # where a running server says its port, for tools on this machine
LOCK_FILE = "server.lock"  # locked while a server runs on the folder; what it holds means nothing


def make_folder(config: Config) -> None:
    """Make the data folder where it is not there; raises `ConfigError` where it cannot be."""
    try:
        config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"data_dir {config.data_dir}: cannot be made ({error.strerror}); choose another folder"
        ) from error


@contextmanager
def held_folder(config: Config) -> Iterator[None]:
    """Have the data folder, made when it is not there, for one server alone.

    A second server would close the calls of the first as left over. The lock ends with the process, however
    that ends. Raises `StorageError` where another server has the folder, else `ConfigError`.
    """
    import fcntl  # not everywhere, as accounts are

    make_folder(config)
    file = config.data_dir / LOCK_FILE
    try:
        handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be opened ({error.strerror})") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StorageError(
                f"another server is running on {config.data_dir}: stop it, or give another folder as --data"
            ) from error
        except OSError as error:
            raise ConfigError(
                f"{file}: cannot be locked ({error.strerror}); choose a folder of another file system"
            ) from error
        yield
    finally:
        os.close(handle)


def is_held(config: Config) -> bool:
    """Whether a server runs on the data folder now, or may: a folder that cannot be locked does not tell."""
    if not (config.data_dir / LOCK_FILE).exists():
        return False
    try:
        with held_folder(config):
            return False
    except (ConfigError, StorageError):
        return True


@asynccontextmanager
async def open_store(config: Config, *, make: bool = True) -> AsyncIterator[SqlStore]:
    """The configured database, made when it is not there, unless told otherwise.

    Raises `ConfigError` or `StorageError`.
    """
    file = config.data_dir / DATABASE
    if not make and not file.is_file():
        raise ConfigError(f"there is no database in {config.data_dir}; give its folder as --data")
    make_folder(config)
    store = await SqlStore.open(f"sqlite:///{file.resolve()}")
    try:
        yield store
    finally:
        await store.aclose()


def sampling_key(config: Config) -> bytes:
    """The secret of this server's draws, made when it is first needed; raises `ConfigError`.

    It is kept, so that whoever may read the file can repeat a draw later.
    """
    file = config.data_dir / SAMPLING_KEY
    try:
        if not file.exists():
            temporary = file.with_suffix(".tmp")
            temporary.touch(0o600)
            temporary.write_text(secrets.token_hex(32), encoding="ascii")
            temporary.replace(file)
        key = bytes.fromhex(file.read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{file}: cannot be used ({error}); remove it to get a new one"
        ) from error
    if not key:
        raise ConfigError(f"{file}: is empty; remove it to get a new one")
    return key


def write_server_file(config: Config, port: int, stack: AsyncExitStack) -> None:
    """Say in the data folder that the server is ready, and where; until it stops."""
    file = config.data_dir / SERVER_FILE
    temporary = file.with_suffix(".tmp")
    temporary.write_bytes(orjson.dumps({"port": port, "pid": os.getpid()}))
    temporary.replace(file)
    stack.callback(file.unlink, missing_ok=True)
