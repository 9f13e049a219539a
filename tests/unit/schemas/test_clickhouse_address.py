"""The address of ClickHouse, out of its one setting."""

from schemas.clickhouse_address import read_clickhouse_url


def test_user_and_password_of_clickhouse_may_be_percent_encoded() -> None:
    address = read_clickhouse_url("https://us%40er:p%40ss%2Fw%3Ard@clickhouse")
    assert (address.username, address.password) == ("us@er", "p@ss/w:rd")
    assert (address.scheme, address.host, address.port) == ("https", "clickhouse", 8443)
    assert "p@ss" not in repr(address)
