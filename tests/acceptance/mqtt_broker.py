"""A real MQTT broker, mosquitto from Debian, and what is published on it."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from acceptance.harness import DEADLINE, Journal


class Broker:
    """A real MQTT broker, mosquitto from Debian, that can be started and stopped at its port."""

    def __init__(self, folder: Path, port: int, login: tuple[str, str] | None = None) -> None:
        """It takes everybody, or only one user with that password."""
        self.port = port
        self._folder = folder
        self._login = login

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Journal[str]]:
        """The broker runs as long as the block lasts; what is published on `snapshots` comes to the journal."""
        settings = self._folder / "mosquitto.conf"
        anonymous = "true" if self._login is None else "false"
        text = f"listener {self.port} 127.0.0.1\nallow_anonymous {anonymous}\nuser root\n"
        if self._login is not None:
            passwords = self._folder / "passwords"
            command = ["mosquitto_passwd", "-b", "-c", str(passwords), *self._login]
            await (await asyncio.create_subprocess_exec(*command)).wait()
            text += f"password_file {passwords}\n"
        settings.write_text(text)
        path = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
        assert path, "mosquitto is missing: run tests/system-packages"
        process = await asyncio.create_subprocess_exec(path, "-c", str(settings), stderr=asyncio.subprocess.PIPE)
        assert process.stderr is not None
        try:
            async with asyncio.timeout(DEADLINE):
                while b" running" not in await process.stderr.readline():
                    assert process.returncode is None
            reading = asyncio.create_task(process.stderr.read())
            async with self._subscribed() as published:
                yield published
            process.terminate()
            await reading
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    @asynccontextmanager
    async def _subscribed(self) -> AsyncIterator[Journal[str]]:
        published: Journal[str] = Journal("the MQTT broker")
        loop = asyncio.get_running_loop()
        client = mqtt.Client(CallbackAPIVersion.VERSION2)

        def take(_client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
            loop.call_soon_threadsafe(published.add, message.payload.decode())

        def subscribe(*_: Any) -> None:
            client.subscribe("snapshots", qos=1)

        client.on_message = take
        client.on_connect = subscribe
        if self._login is not None:
            client.username_pw_set(*self._login)
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        try:
            yield published
        finally:
            client.disconnect()
            await asyncio.to_thread(client.loop_stop)
