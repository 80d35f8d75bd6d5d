"""A dataset's watch hands everything it says to the watch of each snapshot that it finds."""

from dataclasses import fields
from datetime import timedelta

from notifier.core.snapshot.model import DatasetWatch, Download, Watch

PROFILES = DatasetWatch(
    id="profiles",
    dataset_id="gd_1",
    name="Profiles",
    every=timedelta(seconds=5),
    notify=("chat",),
    on=("failed",),
    stalled_after=timedelta(hours=1),
    results_kept=timedelta(days=30),
    expiring_before=timedelta(days=3),
    labels={"team": "growth"},
    download=Download(folder="/tmp/results", format="csv"),
)


def test_only_the_id_and_the_name_are_the_snapshots_own() -> None:
    found = PROFILES.watch_for("sd_1")
    assert (found.id, found.snapshot_id, found.name, found.parent) == (
        "profiles/sd_1", "sd_1", "Profiles (sd_1)", "profiles",
    )  # fmt: skip
    own = {"id", "snapshot_id", "name", "parent"}
    inherited = {field.name for field in fields(Watch)} - own
    assert inherited == {field.name for field in fields(DatasetWatch)} - {"id", "dataset_id", "name"}
    assert all(getattr(found, name) is getattr(PROFILES, name) for name in inherited)
