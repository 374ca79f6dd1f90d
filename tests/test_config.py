"""Settings: where they come from, what is said when one is wrong, and that the manual tells them all."""

import re
from pathlib import Path

import pytest

from openmpu import config
from openmpu.errors import Invalid

MANUAL = Path(__file__).resolve().parents[1] / "docs" / "settings.md"
SECTIONS = {name: field.annotation for name, field in config.Config.model_fields.items() if name != "accounts"}


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "openmpu.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_without_a_file():
    """No file at all is a valid set of settings."""
    settings = config.load(None)

    assert settings.server.address == ("127.0.0.1", 8080)
    assert settings.media.port_range == (40000, 40999)


def test_the_environment_wins_over_the_file(tmp_path, monkeypatch):
    """OPENMPU_<SECTION>__<KEY>; what it does not name stays the file's."""
    monkeypatch.setenv("OPENMPU_SERVER__LISTEN", "0.0.0.0:9")
    path = written(tmp_path, '[server]\nlisten = "127.0.0.1:1"\npublic_url = "https://m.example"\n')

    settings = config.load(path)

    assert settings.server.listen == "0.0.0.0:9"
    assert settings.server.base_url == "https://m.example"


@pytest.mark.parametrize(
    ("text", "culprit"),
    [
        ('[server]\nlisten = "nowhere"', "server.listen"),
        ("[server]\nport = 1", "server.port: no such setting"),
        ('[media]\nudp_ports = "9-1"', "media.udp_ports"),
        ('[media]\ntime_zone = "Mars/Base"', "media.time_zone"),
        ('[media]\nice_addresses = ["host"]', "media.ice_addresses"),
        ('[security]\nallow_networks = ["10.0.0.1/8"]', "security.allow_networks"),
        ("[limits]\nidle_s = 0", "limits.idle_s"),
        ('[[accounts]]\nname = "a"\n[[accounts.apps]]\nid = "a b"\nkey = "k"', "accounts.0.apps.0.id"),
        ('[[accounts]]\nname = "a"\n[[accounts]]\nname = "a"', "given twice: a"),
        ("server = [", "openmpu.toml"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, text, culprit):
    """One sentence with the file and the setting."""
    with pytest.raises(Invalid, match=re.escape(culprit)):
        config.load(written(tmp_path, text))


def test_secrets_do_not_show(tmp_path):
    """Neither in a repr nor in the sentence about another fault of the same entry."""
    good = '[[accounts]]\nname = "a"\n[[accounts.access_keys]]\nid = "i"\nsecret = "PLANTED"\n'

    assert "PLANTED" not in repr(config.load(written(tmp_path, good)))
    with pytest.raises(Invalid) as caught:
        config.load(written(tmp_path, good + "active = 77\n"))
    assert "PLANTED" not in str(caught.value)


@pytest.mark.parametrize("section", SECTIONS)
def test_the_manual_tells_every_setting_and_its_default(section):
    """docs/settings.md and the code agree, both ways."""
    part = MANUAL.read_text(encoding="utf-8").split(f"## `[{section}]`")[1].split("\n## ")[0]
    told = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", part, re.MULTILINE))

    assert told == {name: _shown(field.get_default()) for name, field in SECTIONS[section].model_fields.items()}


def _shown(value: object) -> str:
    if value is None:
        return "unset"
    text = getattr(value, "get_secret_value", lambda: value)()
    shown = {True: "true", False: "false"}.get(text) if isinstance(text, bool) else None
    if isinstance(text, str):
        shown = f'"{text}"'
    return f"`{shown or ('[]' if text == () else text)}`"


def test_tls_can_be_insisted_on(tmp_path):
    """`server.require_tls` reaches the API's door."""
    from openmpu.bootstrap import _rpc_options

    settings = config.load(written(tmp_path, "[server]\nrequire_tls = true\n"))

    assert _rpc_options(settings).require_tls
    assert not _rpc_options(config.load(None)).require_tls


def test_channels_elsewhere_and_ice_servers(tmp_path):
    """URLs without a slash at their end; a TURN server's credential does not show."""
    text = """[media]
ice_servers = [{ url = "turn:turn.example", username = "u", credential = "hidden" }]
[media.elsewhere]
app1 = "https://two.example/"
"app2/room" = "http://three.example"
"""
    media = config.load(written(tmp_path, text)).media
    assert media.elsewhere == {"app1": "https://two.example", "app2/room": "http://three.example"}
    assert media.ice_servers[0].credential.get_secret_value() == "hidden"
    assert "hidden" not in repr(media)


@pytest.mark.parametrize(
    "text",
    [
        'elsewhere = { "a/b/c" = "http://x" }',
        'elsewhere = { "a b" = "http://x" }',
        'elsewhere = { a = "x" }',
        'elsewhere = { a = "http://x/?y" }',
        'ice_servers = [{ url = "http://x" }]',
    ],
)
def test_no_channel_no_server(tmp_path, text):
    """What cannot be one ends the start."""
    with pytest.raises(Invalid, match=r"media\.(elsewhere|ice_servers)"):
        config.load(written(tmp_path, f"[media]\n{text}\n"))
