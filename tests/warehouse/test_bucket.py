"""The bucket: the same parts, the same verbs, over the network."""

import os
from datetime import datetime, timedelta

import boto3
import pytest

from marketing.house import House
from marketing.policy import Policy
from tests.warehouse.made import NOW, list_contacts, rows
from warehouse import StoreError, Warehouse
from warehouse.bucket import IN_USE, BucketStore
from warehouse.maintenance import sweep
from warehouse.manifest import parts_of


@pytest.fixture(scope="module")
def endpoint():
    """A server that speaks S3 on a free loopback port."""
    from moto.server import ThreadedMotoServer  # a second that few tests need

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint, monkeypatch, tmp_path) -> str:
    """The name of an empty bucket."""
    for name, value in [("AWS_ENDPOINT_URL", endpoint), ("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x"),
                        ("AWS_DEFAULT_REGION", "us-east-1"), ("AWS_EC2_METADATA_DISABLED", "true")]:
        monkeypatch.setenv(name, value)
    name = tmp_path.name.replace("_", "-").lower()
    boto3.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def store(bucket, tmp_path) -> BucketStore:
    return BucketStore(bucket, "a/house", tmp_path / "cache", cache_bytes=250)


def write(store: BucketStore, text: bytes) -> str:
    path = store.reserve("moves")
    store.begin(path).write_bytes(text)
    assert store.seal(path) == len(text)
    return path


def test_what_was_sealed_can_be_read_elsewhere(store, bucket, tmp_path):
    """A part is in the bucket from `seal` on; another machine reads the same bytes, in the order asked."""
    one, two = write(store, b"one"), write(store, b"two")
    elsewhere = BucketStore(bucket, "a/house", tmp_path / "another")

    assert [open(file, "rb").read() for file in elsewhere.local([two, one, two])] == [b"two", b"one", b"two"]
    assert sorted(path for path, _ in elsewhere.files()) == sorted([one, two])
    assert elsewhere.holds(one) and not elsewhere.holds("moves/none.parquet")


def test_a_dropped_part_is_gone(store):
    """Dropping deletes the object and the copy; dropping again is no error."""
    path = write(store, b"one")
    store.drop(path)
    store.drop(path)

    assert (store.files(), store.holds(path)) == ([], False)
    with pytest.raises(StoreError, match=f"read {path} from s3://"):
        store.local([path])


def test_the_cache_is_bounded(store):
    """The copies used longest ago go first, never one that was asked for within the hour."""
    paths = [write(store, bytes(100)) for _ in range(5)]
    for age, path in enumerate(paths):
        os.utime(store.cache / path, (0, 1_000_000 - age))
    store._cached(paths[0]).unlink()
    store.local([paths[0], paths[4]])

    assert sorted(file.name for file in store.cache.glob("*/*")) == sorted(
        path.rpartition("/")[2] for path in (paths[0], paths[4]))
    assert IN_USE >= 60


def test_errors_name_the_bucket_and_what_to_check(bucket, tmp_path):
    """A bucket that is not there is a clear error at the first use."""
    store = BucketStore("no-such-bucket", "", tmp_path / "cache")
    path = store.reserve("moves")
    store.begin(path).write_bytes(b"")

    with pytest.raises(StoreError, match=r"write moves/.* to s3://no-such-bucket/.*Check RELANCE_WAREHOUSE_URL"):
        store.seal(path)


def test_a_warehouse_lives_in_a_bucket(home, bucket):
    """Parts too large for the manifest go to the bucket and come back; the sweeper deletes them there."""
    house, policy = House.read(home / "house.toml"), Policy.read(home / "policy.toml")
    wh = Warehouse.open(home, house, policy, warehouse_url=f"s3://{bucket}/shop")
    list_contacts(wh, *((number, None, None) for number in range(3_000)))
    with wh.ledger.read() as tx:
        listed = parts_of(tx, 10, "contacts")
    found = rows(wh, "SELECT count(*) AS n, sum(contact_id)::BIGINT AS total FROM contacts")
    commit = wh.commit(run="r", as_of=NOW)
    commit.retire([part.n for part in listed])
    commit.apply()
    swept = sweep(wh, timedelta(0), now=datetime(2100, 1, 1))

    assert found == [(3_000, 2_999 * 3_000 // 2)]
    assert (swept.files, wh.store.files()) == (1, [])
    wh.close()
