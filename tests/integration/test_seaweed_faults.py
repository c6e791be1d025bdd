"""What a storage of the tests can be made to suffer beside a kill: a full disk, and to stand still."""

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError
from seaweed_server import BUCKET

pytestmark = pytest.mark.long  # a round of a campaign is in every run


def test_a_storage_whose_disk_is_full_refuses_puts_gives_what_it_has_and_takes_puts_when_there_is_room(new_seaweed):
    server = new_seaweed()
    client, pid = server.client(), server.pid
    client.put_object(Bucket=BUCKET, Key="before", Body=b"x" * 100_000)
    server.fill_disk()
    for number in range(5):
        with pytest.raises(ClientError) as caught:
            client.put_object(Bucket=BUCKET, Key=f"during-{number}", Body=b"x" * 100_000)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert client.get_object(Bucket=BUCKET, Key="before")["Body"].read() == b"x" * 100_000
    server.free_disk()
    client.put_object(Bucket=BUCKET, Key="after", Body=b"y" * 100_000)
    assert server.pid == pid
    server.restart()
    listed = {entry["Key"] for entry in client.list_objects_v2(Bucket=BUCKET)["Contents"]}
    assert listed == {"before", "after"}
    assert client.get_object(Bucket=BUCKET, Key="after")["Body"].read() == b"y" * 100_000


def test_a_frozen_storage_says_nothing_and_goes_on_where_it_was(new_seaweed):
    server = new_seaweed()
    client = server.client()
    client.put_object(Bucket=BUCKET, Key="before", Body=b"x")
    server.freeze()
    config = Config(connect_timeout=1, read_timeout=0.3, retries={"total_max_attempts": 1})
    with pytest.raises(ReadTimeoutError):
        server.client(config=config).get_object(Bucket=BUCKET, Key="before")
    server.thaw()
    assert client.get_object(Bucket=BUCKET, Key="before")["Body"].read() == b"x"
    server.freeze()
    server.kill()
    assert not server.running
