"""The settings store: versions, history, secrets, resets, followers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from device.accounts.role import Role
from device.database import DatabaseFault
from device.errors import BadValue, NotFound
from device.recording.modes import Mode
from device.settings.cameras import Camera, Transport, new_camera_key
from device.settings.recorder import Recorder
from device.settings.recording import Recording
from device.settings.rtsp import Digest, Rtsp
from device.settings.sealed import shown
from device.settings.section import Field, InvalidSettings, Keep, Scope, Section
from device.settings.sections import SECTIONS
from device.settings.store import HISTORY, Conflict, Store
from device.vault import Vault
from tests.device.clock.simulated import SimulatedClock

KEY = "c-7f3k2m"
URL = "rtsp://10.0.0.7/stream"


class Reach(Section, section="reach", heading="Reach", restore=Keep.YES, role=Role.ADMINISTRATOR):
    """A section that outlives a restore, but for one field."""

    address: str = Field("", title="Address")
    proxy: str = Field("", title="Proxy", restore=Keep.NO)


class Plate(
    Section, section="plate", heading="Plate", restore=Keep.YES, factory=Keep.YES, role=Role.ADMINISTRATOR
):
    """A section that outlives everything."""

    text: str = Field("", title="Text")


ALL: tuple[type[Section], ...] = (*SECTIONS, Reach, Plate)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "settings.db"


def opened(path: Path, *, readonly: bool = False) -> Store:
    return Store(path, Vault(b"k" * 32), ALL, SimulatedClock(), readonly=readonly)


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    store = opened(path)
    yield store
    store.close()


def test_what_was_never_set_is_at_its_default(store: Store) -> None:
    assert store.read(Recording) == (Recording(durability=1.0, segment=60), 0)
    assert store.entries(Camera) == {}


def test_a_change_is_there_after_the_store_is_opened_again(path: Path) -> None:
    store = opened(path)
    store.patch(Recording, {"durability": 2}, by="anna")
    store.close()
    again = opened(path)
    assert again.read(Recording) == (Recording(durability=2), 1)
    again.close()


def test_a_patch_changes_the_named_fields_alone(store: Store) -> None:
    store.patch(Camera, {"main": URL, "name": "Gate"}, key=KEY, by="anna")
    changed = store.patch(Camera, {"mode": "event"}, key=KEY, by="ben")
    assert (changed.version, changed.fields, changed.by) == (2, ("mode",), "ben")
    camera = store.get(Camera, KEY)
    assert (camera.main, camera.name, camera.mode) == (URL, "Gate", Mode.EVENT)


def test_a_change_to_the_same_values_is_no_change(store: Store) -> None:
    store.patch(Camera, {"main": URL, "password": "x"}, key=KEY, by="anna")
    changed = store.patch(Camera, {"main": URL, "password": "x"}, key=KEY, by="anna")
    assert (changed.seq, changed.version, changed.fields) == (0, 1, ())
    assert len(store.history(Camera, KEY)) == 1


def test_none_takes_a_field_to_its_default(store: Store) -> None:
    store.patch(Recording, {"durability": 5, "segment": 120}, by="anna")
    store.patch(Recording, {"durability": None}, by="anna")
    assert store.get(Recording) == Recording(durability=1.0, segment=120)


def test_a_field_that_was_never_set_follows_the_default_of_the_version(store: Store, path: Path) -> None:
    store.patch(Recording, {"durability": 5}, by="anna")
    (text,) = sqlite3.connect(path).execute("SELECT json FROM setting").fetchone()
    assert json.loads(text) == {"durability": 5.0}


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        (Recording, {"durability": 0.4}, "recording.durability: must be 0.5 to 10 s"),
        (Recording, {"durability": 10.5}, "recording.durability: must be 0.5 to 10 s"),
        (Recording, {"durability": float("nan")}, "recording.durability"),
        (Recording, {"durabilty": 1}, "recording.durabilty: there is no such setting"),
        (Camera, {"name": "x"}, "main is needed: the URL of a stream, or onvif"),
        (Camera, {"main": "http://x/"}, "must begin with rtsp:// or rtsps://"),
        (Camera, {"main": "rtsp://user:pw@x/"}, "without user and password"),
        (Camera, {"main": "rtsp://x:99999/"}, "main"),
        (Camera, {"main": "rtsp://x/a\r\nb"}, "main"),
        (Camera, {"main": URL, "pre_event": 61}, "pre_event: must be 0 to 60 s"),
        (Camera, {"main": URL, "mode": "schedule"}, "needs a schedule"),
        (Camera, {"main": URL, "minimum_days": 8, "retention_days": 7}, "minimum_days must not be longer"),
    ],
)
def test_a_value_outside_its_limits_is_refused_by_name_and_limit(
    store: Store, kind: type[Section], changes: dict[str, object], message: str
) -> None:
    with pytest.raises(BadValue, match=message):
        store.patch(kind, changes, key=KEY if kind is Camera else "", by="anna")
    assert store.position() == 0


def test_all_wrong_fields_are_named_at_once(store: Store) -> None:
    with pytest.raises(InvalidSettings) as caught:
        store.patch(Recording, {"durability": 99, "segment": 1}, by="anna")
    assert set(caught.value.problems) == {"recording.durability", "recording.segment"}


@pytest.mark.parametrize("key", ["", "gate", "c-", "c-ABCDEF", "c-7f3k2m\n", "../../etc", "c-" + "a" * 40])
def test_a_key_that_cannot_be_a_cameras_is_refused(store: Store, key: str) -> None:
    with pytest.raises(BadValue):
        store.patch(Camera, {"main": URL}, key=key, by="anna")


def test_new_camera_keys_are_keys(store: Store) -> None:
    for _ in range(50):
        store.patch(Camera, {"main": URL}, key=new_camera_key(), by="anna")
    assert len(store.entries(Camera)) == 50


def test_a_change_of_what_somebody_else_changed_meanwhile_is_a_conflict(store: Store) -> None:
    store.patch(Recording, {"durability": 2}, by="anna", expect=0)
    with pytest.raises(Conflict) as caught:
        store.patch(Recording, {"durability": 3}, by="ben", expect=0)
    assert (caught.value.version, caught.value.wire.http) == (1, 412)
    assert store.get(Recording).durability == 2


def test_the_version_goes_on_when_an_entry_is_removed_and_made_again(store: Store) -> None:
    store.patch(Camera, {"main": URL}, key=KEY, by="anna")
    store.remove(Camera, key=KEY, by="anna")
    with pytest.raises(NotFound):
        store.get(Camera, KEY)
    with pytest.raises(Conflict):
        store.patch(Camera, {"main": URL}, key=KEY, by="anna", expect=1)
    assert store.patch(Camera, {"main": URL}, key=KEY, by="anna").version == 3


def test_undo_makes_it_what_it_was_its_secrets_too(store: Store) -> None:
    store.patch(Camera, {"main": URL, "password": "one"}, key=KEY, by="anna")
    store.patch(Camera, {"password": "two", "name": "Gate"}, key=KEY, by="anna")
    store.remove(Camera, key=KEY, by="anna")
    assert store.undo(Camera, 1, key=KEY, by="ben").version == 4
    assert store.get(Camera, KEY).password.get_secret_value() == "one"
    assert store.undo(Camera, 3, key=KEY, by="ben").removed
    with pytest.raises(NotFound):
        store.undo(Camera, 99, key=KEY, by="ben")


def test_history_says_who_changed_what_and_when_and_shows_no_secret(store: Store) -> None:
    store.patch(Camera, {"main": URL, "password": "hunter2"}, key=KEY, by="anna")
    store.remove(Camera, key=KEY, by="ben")
    removed, made = store.history(Camera, KEY)
    assert (removed.by, removed.values) == ("ben", None)
    assert (made.by, made.values) == ("anna", {"main": URL, "password": {"set": True}})
    assert set(made.fields) >= {"main", "password"}


def test_history_is_bounded(store: Store) -> None:
    for n in range(HISTORY + 20):
        store.patch(Recording, {"segment": 10 + n}, by="anna")
    kept = store.history(Recording)
    assert [version.version for version in kept] == list(range(HISTORY + 20, 20, -1))


def test_no_secret_is_readable_in_the_files_or_in_print(store: Store, path: Path) -> None:
    store.patch(Camera, {"main": URL, "password": "correct horse"}, key=KEY, by="anna")
    camera = store.get(Camera, KEY)
    files = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"correct horse" not in files
    assert "correct horse" not in f"{camera!r} {camera} {shown(camera)} {camera.model_dump_json()}"
    assert shown(camera)["password"] == {"set": True}
    assert camera.password.get_secret_value() == "correct horse"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_secret_sent_back_as_it_is_shown_stays(store: Store) -> None:
    store.patch(Camera, {"main": URL, "password": "one"}, key=KEY, by="anna")
    form = shown(store.get(Camera, KEY)) | {"name": "Gate"}
    assert store.patch(Camera, form, key=KEY, by="anna").fields == ("name",)
    assert store.get(Camera, KEY).password.get_secret_value() == "one"


def test_a_secret_moved_to_another_camera_does_not_open(store: Store, path: Path) -> None:
    store.patch(Camera, {"main": URL, "password": "one"}, key="c-aaaa", by="anna")
    store.patch(Camera, {"main": URL, "password": "two"}, key="c-bbbb", by="anna")
    with contextlib.closing(sqlite3.connect(path)) as thief:
        thief.execute("UPDATE setting SET json = (SELECT json FROM setting WHERE key = 'c-aaaa')")
        thief.commit()
    assert store.get(Camera, "c-bbbb").password.get_secret_value() == ""
    assert "cameras[c-bbbb].password" in store.problems


def test_the_error_of_a_bad_secret_does_not_repeat_it(store: Store) -> None:
    with pytest.raises(InvalidSettings) as caught:
        store.patch(Camera, {"main": URL, "password": "s3cret" * 100}, key=KEY, by="anna")
    assert "s3cret" not in str(caught.value)


def test_what_another_version_stored_and_this_one_would_not_take_is_as_if_not_set(
    store: Store, path: Path
) -> None:
    store.patch(Camera, {"main": URL, "name": "Gate"}, key=KEY, by="anna")
    row = {"main": URL, "name": "Gate", "pre_event": 500, "colour": "red", "mode": "schedule"}
    with contextlib.closing(sqlite3.connect(path)) as newer:
        newer.execute("UPDATE setting SET json = ?", (json.dumps(row),))
        newer.commit()
    camera = store.get(Camera, KEY)
    assert (camera.name, camera.pre_event, camera.mode) == ("Gate", 5.0, Mode.CONTINUOUS)
    assert store.problems
    store.patch(Camera, {"name": "Door"}, key=KEY, by="anna")  # and it can still be changed
    assert store.get(Camera, KEY).name == "Door"


def test_an_entry_that_lost_what_it_needs_hides_no_other(store: Store, path: Path) -> None:
    store.patch(Camera, {"main": URL}, key="c-aaaa", by="anna")
    store.patch(Camera, {"main": URL}, key="c-bbbb", by="anna")
    with contextlib.closing(sqlite3.connect(path)) as vandal:
        vandal.execute("""UPDATE setting SET json = '{"main": "gopher://x"}' WHERE key = 'c-aaaa'""")
        vandal.commit()
    assert list(store.entries(Camera)) == ["c-bbbb"]
    assert any("c-aaaa" in problem for problem in store.problems)


def fill(store: Store) -> None:
    store.patch(Recorder, {"name": "Mine"}, by="anna")
    store.patch(Camera, {"main": URL, "password": "one"}, key=KEY, by="anna")
    store.patch(Rtsp, {"digest": "sha256"}, by="anna")
    store.patch(Reach, {"address": "10.0.0.1", "proxy": "10.0.0.2"}, by="anna")
    store.patch(Plate, {"text": "A"}, by="anna")


def test_restore_keeps_what_is_declared_to_be_kept_and_nothing_else(store: Store) -> None:
    fill(store)
    changed = store.reset(Scope.RESTORE, by="anna")
    assert {change.section for change in changed} == {"recorder", "cameras", "rtsp", "reach"}
    assert store.entries(Camera) == {}
    assert store.get(Recorder) == Recorder()
    assert store.get(Rtsp).digest is Digest.BOTH
    assert store.get(Reach) == Reach(address="10.0.0.1")
    assert store.get(Plate) == Plate(text="A")


def test_factory_default_leaves_no_setting_and_no_old_secret(store: Store, path: Path) -> None:
    fill(store)
    store.reset(Scope.FACTORY, by="anna")
    assert store.get(Reach) == Reach()
    assert store.get(Plate) == Plate(text="A")
    with contextlib.closing(sqlite3.connect(path)) as reader:
        assert not [
            row for row in reader.execute("SELECT json FROM setting_history") if row[0] and "sealed" in row[0]
        ]
    assert store.patch(Camera, {"main": URL}, key=KEY, by="anna").version == 3  # 1 made, 2 reset


def test_of_the_product_network_and_clock_alone_outlive_a_restore(store: Store) -> None:
    """And nothing a factory default."""
    kept = {kind.about.section for kind in SECTIONS if kind.about.restore is Keep.YES}
    assert kept == {"network", "clock"}
    assert all(kind.about.factory is Keep.NO for kind in SECTIONS)


def test_listeners_hear_of_changes_after_they_are_durable(store: Store, path: Path) -> None:
    heard: list[tuple[tuple[str, ...], float]] = []
    reader = opened(path, readonly=True)
    end = store.subscribe(lambda change: heard.append((change.fields, reader.get(Recording).durability)))
    store.patch(Recording, {"durability": 2}, by="anna")
    store.patch(Recording, {"durability": 2}, by="anna")
    end()
    store.patch(Recording, {"durability": 3}, by="anna")
    assert heard == [(("durability",), 2.0)]
    reader.close()


async def test_a_follower_of_another_process_misses_nothing_while_it_is_down(
    store: Store, path: Path
) -> None:
    reader = opened(path, readonly=True)
    position = reader.position()
    store.patch(Recording, {"durability": 2}, by="anna")
    store.patch(Camera, {"main": URL}, key=KEY, by="anna")
    got: list[tuple[str, str, int]] = []

    async def follow() -> None:
        async for changed in reader.follow(position, every=0.01):
            got.append((changed.section, changed.key, changed.version))
            if len(got) == 2:
                store.patch(Recording, {"durability": 3}, by="anna")
            if len(got) == 3:
                return

    await asyncio.wait_for(follow(), 30)
    assert got == [("recording", "", 1), ("cameras", KEY, 1), ("recording", "", 2)]
    reader.close()


def test_a_reader_may_come_first_but_cannot_write(path: Path) -> None:
    reader = opened(path, readonly=True)
    writer = opened(path)
    writer.patch(Recording, {"durability": 2}, by="anna")
    assert reader.get(Recording).durability == 2
    writer.close()
    with pytest.raises(DatabaseFault):
        reader.patch(Recording, {"durability": 3}, by="anna")
    reader.close()


def test_a_database_of_a_newer_recorder_is_not_touched(path: Path) -> None:
    opened(path).close()
    with contextlib.closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 99")
    for readonly in (False, True):
        with pytest.raises(DatabaseFault, match="newer"):
            opened(path, readonly=readonly)


def test_a_file_that_is_no_database_is_a_fault_of_ours(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(DatabaseFault):
        opened(path)


def test_a_cameras_address_holds_what_a_source_needs(store: Store) -> None:
    changes = {"main": URL, "user": "u", "password": "p", "transport": "udp"}
    store.patch(Camera, changes, key=KEY, by="anna")
    camera = store.get(Camera, KEY)
    address = camera.address("main")
    assert address is not None
    assert (address.url, address.user, address.password, address.transport) == (URL, "u", "p", "udp")
    assert camera.address("sub") is None


STEP = st.one_of(
    st.tuples(
        st.just("patch"),
        st.dictionaries(
            st.sampled_from(["durability", "segment"]), st.none() | st.integers(0, 700), max_size=2
        ),
    ),
    st.tuples(st.just("undo"), st.integers(0, 8)),
    st.tuples(st.just("remove"), st.none()),
    st.tuples(st.just("restore"), st.none()),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=st.lists(STEP, max_size=12))
def test_any_sequence_of_changes_agrees_with_a_list_of_values(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, object]]
) -> None:
    store = opened(tmp_path_factory.mktemp("model") / "settings.db")
    model: list[dict[str, float]] = [{}]  # what was set at each version
    for action, argument in steps:
        now = dict(model[-1])
        try:
            if action == "patch":
                assert isinstance(argument, dict)
                store.patch(Recording, argument, by="anna")
                for name, value in argument.items():
                    now.pop(name, None)
                    if value is not None:
                        now[name] = value
            elif action == "undo":
                assert isinstance(argument, int)
                store.undo(Recording, argument, by="anna")
                now = dict(model[argument])
            elif action == "remove":
                store.remove(Recording, by="anna")
                now = {}
            else:
                store.reset(Scope.RESTORE, by="anna")
                now = {}
        except (BadValue, NotFound):
            continue
        if store.read(Recording)[1] != len(model) - 1:
            model.append(now)
        assert store.read(Recording) == (Recording.model_validate(model[-1]), len(model) - 1)
        assert store.get(Recording) == Recording.model_validate(now)  # also where it was no change
    assert [version.version for version in store.history(Recording)] == list(range(len(model) - 1, 0, -1))
    store.close()


def test_a_whole_section_can_be_put_in_place(store: Store) -> None:
    store.patch(Camera, {"main": URL, "name": "Gate"}, key=KEY, by="anna")
    store.set(
        Camera(main=URL, transport=Transport.UDP, password=SecretStr("p")), key=KEY, by="anna", expect=1
    )
    camera = store.get(Camera, KEY)
    assert (camera.name, camera.transport, camera.password.get_secret_value()) == ("", Transport.UDP, "p")
