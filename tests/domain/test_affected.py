"""Lists of whom an incident hit."""

import pytest

from trusthub.domain.affected import Hit, listed


def test_ids_are_addresses_or_ids() -> None:
    assert list(listed([" ana@customer.example ", "c-17", ""], "")) == [
        Hit(address="ana@customer.example"),
        Hit(id="c-17"),
    ]


def test_a_table_says_in_its_first_line_what_it_has() -> None:
    table = "id,address,locale\r\nc-1,ana@customer.example,de\r\nc-2,,\r\n,,\r\n"
    assert list(listed([], table)) == [Hit("c-1", "ana@customer.example", "de"), Hit("c-2")]


@pytest.mark.parametrize(
    ("ids", "table", "why"),
    [
        (["ana@"], "", "In ids, an address cannot be one. Write name@example.com."),
        ([], "address\nana@x\n", "In line 2 of the CSV, an address cannot be one. Write name@example.com."),
        ([], "mail\nx\n", "The CSV has a column 'mail'. Its first line names id, address and locale."),
        ([], "locale\nde\n", "The first line of the CSV must name address, or id."),
    ],
)
def test_a_mistake_names_its_place(ids: list[str], table: str, why: str) -> None:
    with pytest.raises(ValueError, match=why.replace("(", r"\(")):
        list(listed(ids, table))
