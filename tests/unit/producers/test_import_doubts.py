"""Where a file leaves a doubt, nothing is published that it may not mean; deletions above all."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from producers.commands import cli
from producers.commands.cli import ExitCode, app
from producers.in_memory import InMemoryPublisher
from schemas.events import UserDeletion

WHO = ["--client-space", "acme", "--admin-id", "usr_admin"]
HEADER = "user id,e-mail,first name,last name,license,admin access\n"
runner = CliRunner()


class Imports:
    """`audit-produce import` of two lists, or of an action list."""

    def __init__(self, folder: Path, publisher: InMemoryPublisher) -> None:
        self._folder = folder
        self.publisher = publisher
        self.report = folder / "report"
        self.output = ""

    def lists(self, before: str | bytes, after: str | bytes, *options: str, header: str = HEADER) -> ExitCode:
        paths = [self.write(name, header, rows) for name, rows in (("before.csv", before), ("after.csv", after))]
        return self.run(str(paths[1]), "--before", str(paths[0]), *options)

    def actions(self, text: str | bytes, *options: str) -> ExitCode:
        return self.run(str(self.write("actions.csv", "", text)), *options)

    def run(self, *arguments: str) -> ExitCode:
        result = runner.invoke(app, ["import", *arguments, *WHO, "--report", str(self.report)], env={"COLUMNS": "300"})
        self.output = result.output
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return ExitCode(result.exit_code)

    def write(self, name: str, header: str, rows: str | bytes) -> Path:
        path = self._folder / name
        path.write_bytes(header.encode() + (rows.encode() if isinstance(rows, str) else rows))
        return path

    @property
    def deleted(self) -> set[str]:
        events = self.publisher.events
        return {event.affected_user.id for event in events if isinstance(event.activity, UserDeletion)}

    @property
    def said(self) -> list[tuple[str, str]]:
        return [(event.affected_user.id, event.activity.activity_type) for event in self.publisher.events]

    def accounts(self) -> dict[str, tuple[int, int, int, int, int]]:
        """By file: rows, imported, unchanged, rejected, blank."""
        files = json.loads((self.report / "summary.json").read_text("utf-8"))["files"]
        keys = ("rows", "imported", "unchanged", "rejected", "blank")
        for file in files:
            assert file["imported"] + file["unchanged"] + file["rejected"] == file["rows"]
        return {file["file"]: tuple(file[key] for key in keys) for file in files}


@pytest.fixture
def imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Imports:
    publisher = InMemoryPublisher()
    monkeypatch.setattr(cli, "KafkaPublisher", lambda _: publisher)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092")
    monkeypatch.setenv("SCHEMA_REGISTRY_URL", "http://localhost")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Imports(tmp_path, publisher)


def users(count: int, *, of: int | None = None) -> str:
    return "".join(f"u{n},u{n}@example.com,Ann{n},Lee{n},Data Reader,no\n" for n in range(1, count + 1) if n != of)


def test_a_windows_1252_list_is_refused_with_row_and_byte_and_the_remedy(imports: Imports) -> None:
    after = users(3) + "u4,u4@example.com,Hélène,Desprès,,no\n"
    assert imports.lists(users(3), after.encode("cp1252")) == ExitCode.USAGE
    assert "list after (after.csv), row 5, byte 20 of the line: 0xE9 is not UTF-8" in imports.output
    assert "--encoding" in imports.output
    assert "Desp" not in imports.output
    assert imports.publisher.events == []
    assert imports.lists(users(3), after.encode("cp1252"), "--encoding", "cp1252") == ExitCode.DONE
    assert imports.publisher.events[0].affected_user.display_name == "Hélène Desprès"


@pytest.mark.parametrize("hidden", ["\ufeff", "\u200b", "\u200e", "\u2060", "\u00ad", "\u202a"])
@pytest.mark.parametrize("options", [(), ("--on-error", "skip")])
def test_an_invisible_character_in_an_id_deletes_nobody(
    hidden: str, options: tuple[str, ...], imports: Imports
) -> None:
    after = users(3).replace("u2,", f"{hidden}u2,", 1)
    assert imports.lists(users(3), after, *options) == ExitCode.BAD_ROWS
    assert f"row 3, user id: an invisible character (U+{ord(hidden):04X})" in imports.output
    assert imports.publisher.events == []


def test_a_license_with_another_space_is_no_license_update(imports: Imports) -> None:
    assert imports.lists(users(2), users(2).replace("Data Reader", "Data\u00a0Reader", 1)) == ExitCode.BAD_ROWS
    assert "row 2, license: white space other than a blank (U+00A0)" in imports.output
    assert imports.publisher.events == []


def test_two_stray_quotes_delete_nobody(imports: Imports) -> None:
    after = users(6).replace("Ann2", '"Ann2').replace("Ann5", 'Ann5"')
    for options in ((), ("--on-error", "skip")):
        assert imports.lists(users(6), after, *options) == ExitCode.BAD_ROWS
        assert "list after (after.csv), rows 3 to 6: a quote" in imports.output
    assert imports.publisher.events == []


def test_two_stray_quotes_in_an_action_list_swallow_nothing_in_silence(imports: Imports) -> None:
    rows = (
        "".join(f"user_deletion,u{n},Ann{n}\n" for n in range(20))
        .replace("Ann2\n", '"Ann2\n')
        .replace("Ann18\n", 'Ann18"\n')
    )
    for options in ((), ("--on-error", "skip")):
        assert imports.actions("activity,user id,first name\n" + rows, *options) == ExitCode.BAD_ROWS
        assert "action list (actions.csv), rows 4 to 20" in imports.output
    assert imports.publisher.events == []


@pytest.mark.parametrize("column", ["u2", "u2@example.com", "Data Reader"])
@pytest.mark.parametrize("mark", ["\n", "\t"])
def test_line_breaks_and_tabs_in_a_cell_are_a_bad_row(column: str, mark: str, imports: Imports) -> None:
    cells = ["u2", "u2@example.com", "Ann2", "Lee2", "Data Reader", "no"]
    row = ",".join(f'"{cell[:1]}{mark}{cell[1:]}"' if cell == column else cell for cell in cells)
    after = users(3, of=2) + row + "\n"
    assert imports.lists(users(3), after) == ExitCode.BAD_ROWS
    assert ("rows 4 to 5, " if mark == "\n" else "row 4, ") in imports.output
    assert imports.publisher.events == []


def test_a_short_list_is_no_mass_deletion_until_the_number_is_confirmed(imports: Imports) -> None:
    assert imports.lists(users(1000), users(10)) == ExitCode.DECISION
    assert "990 of 1000 users of the list before" in imports.output
    assert "row(s) 12, 13, 14, 15, 16" in imports.output
    assert "--allow-deletions 990" in imports.output
    assert imports.lists(users(1000), users(10), "--allow-deletions", "989") == ExitCode.DECISION
    assert imports.publisher.events == []
    assert imports.lists(users(1000), users(10), "--allow-deletions", "990") == ExitCode.DONE
    assert len(imports.deleted) == 990


@pytest.mark.parametrize(
    ("count", "left", "code"), [(99, 79, 0), (99, 78, 4), (210, 189, 0), (209, 188, 4), (15, 1, 0)]
)
def test_few_deletions_need_no_word(count: int, left: int, code: int, imports: Imports) -> None:
    assert imports.lists(users(count), users(left)) == code


def test_lists_there_and_back_and_there_again_give_all_six_lines(imports: Imports) -> None:
    one, other = users(2), users(2).replace("Data Reader", "Data Steward")
    assert imports.lists(one, other) == ExitCode.DONE
    assert imports.lists(other, one) == ExitCode.DONE
    assert imports.lists(one, other) == ExitCode.DECISION
    assert "--again" in imports.output
    assert imports.lists(one, other, "--again") == ExitCode.DONE
    assert "The change was recorded as a new one" in imports.output
    assert len({(event.event_id, event.occurred_at) for event in imports.publisher.events}) == 6


def test_the_same_files_with_an_id_mapping_are_refused_by_the_option(imports: Imports, tmp_path: Path) -> None:
    text = "activity,e-mail\nuser_deletion,a@x.de\n"
    assert imports.actions(text) == ExitCode.DONE
    mapping = tmp_path / "ids.csv"
    mapping.write_text("e-mail,user id\na@x.de,u1\n", encoding="utf-8")
    assert imports.actions(text, "--id-mapping", str(mapping)) == ExitCode.USAGE
    assert "with other options: id mapping" in imports.output
    assert len(imports.publisher.events) == 1


def test_mailboxes_that_differ_in_more_than_case_stay_two_persons(imports: Imports) -> None:
    header = HEADER.removeprefix("user id,")
    before = "straße@example.com,Ann,Lee,,no\nAnn@Example.com,Ann,Poe,,no\n"
    after = "STRASSE@example.com,Bob,Lee,,no\nann@example.com,Ann,Poe,,no\n"
    assert imports.lists(before, after, header=header) == ExitCode.DONE
    assert imports.said == [("strasse@example.com", "user_creation"), ("straße@example.com", "user_deletion")]


def test_one_bad_character_in_one_name_leaves_out_one_user(imports: Imports) -> None:
    after = (
        users(4).replace("Ann2", "An\x07n2").replace("u3,u3@example.com,Ann3,Lee3,Data Reader", "u3,u3@example.com,,,")
    )
    assert imports.lists(users(4), after, "--on-error", "skip") == ExitCode.BAD_ROWS
    assert imports.said == [("u3", "user_license_update")]
    assert imports.accounts() == {"before.csv": (4, 0, 3, 1, 0), "after.csv": (4, 1, 2, 1, 0)}


def test_a_person_who_is_created_four_times_is_three_bad_rows(imports: Imports) -> None:
    rows = "".join(f"user_creation,u1,{case}\n" for case in ("a@x.de", "A@x.de", "a@x.de", "b@x.de"))
    text = f"activity,user id,e-mail\n{rows}user_deletion,u1,\nuser_deletion,u1,\nuser_creation,u1,a@x.de\n"
    assert imports.actions(text) == ExitCode.BAD_ROWS
    assert "row 3, activity: the user exists already, by row 2" in imports.output
    assert "row 7, activity: the user was deleted by row 6" in imports.output
    assert imports.publisher.events == []
    assert imports.actions(text, "--on-error", "skip") == ExitCode.BAD_ROWS
    assert [activity for _, activity in imports.said] == ["user_creation", "user_deletion", "user_creation"]
    assert imports.accounts() == {"actions.csv": (7, 3, 0, 4, 0)}


def test_a_creation_again_after_a_deletion_by_the_rows_own_times_is_no_contradiction(imports: Imports) -> None:
    text = (
        "activity,user id,e-mail,occurred at\nuser_creation,u1,a@x.de,2026-02-01T00:00:00Z\n"
        "user_deletion,u1,,2026-01-01T00:00:00Z\n"
    )
    assert imports.actions(text) == ExitCode.DONE


def test_an_id_that_lost_a_letter_deletes_nobody(imports: Imports) -> None:
    after = users(4).replace("u2,", "u,", 1)
    assert imports.lists(users(4), after) == ExitCode.BAD_ROWS
    assert "before.csv), row 3, user id: not in the list after, whose row 3 has the same e-mail under" in imports.output
    assert imports.lists(users(4), after, "--on-error", "skip") == ExitCode.BAD_ROWS
    assert imports.publisher.events == []


def test_a_new_e_mail_of_somebody_whose_id_it_is_deletes_nobody(imports: Imports) -> None:
    header, before = HEADER.removeprefix("user id,"), "ann@x.de,Ann,Lee,,no\n"
    after = before.replace("ann", "ann.lee")
    assert imports.lists(before, after, "--on-error", "skip", header=header) == ExitCode.BAD_ROWS
    assert "the same name under another id" in imports.output
    assert imports.publisher.events == []


def test_an_id_that_became_anothers_deletes_nobody(imports: Imports) -> None:
    after = users(4).replace("u2,", "u3,", 1)
    assert imports.lists(users(4), after, "--on-error", "skip") == ExitCode.BAD_ROWS
    assert "This row cannot be skipped: list after (after.csv), row 4" in imports.output
    assert imports.publisher.events == []


def test_the_counts_of_rows_add_up_and_blank_ones_are_told(imports: Imports) -> None:
    after = "\n" + users(4, of=2).replace("Data Reader", "", 1) + ",,,,,\n" + "u9,u9@example.com,N,N,,yes\n"
    assert imports.lists(users(4), after) == ExitCode.DONE
    assert "list after (after.csv): 4 rows = 2 imported + 2 unchanged + 0 rejected; 2 blank" in imports.output
    assert imports.accounts() == {"before.csv": (4, 1, 3, 0, 0), "after.csv": (4, 2, 2, 0, 2)}


def test_rejected_rows_are_mended_and_imported_again(imports: Imports, tmp_path: Path) -> None:
    before, after = users(4), users(4).replace("Data Reader,no", "Data Steward,no")
    broken = after.replace("u2,u2@example.com", "u2,nobody").replace("Data Steward,no\nu4", "Data Steward,?\nu4")
    imports.report.mkdir(exist_ok=True)
    (imports.report / "rejected-after.csv").touch(0o644)  # what others could read is made anew
    assert imports.lists(before, broken, "--on-error", "skip") == ExitCode.BAD_ROWS
    assert imports.said == [("u1", "user_license_update"), ("u4", "user_license_update")]
    rejected = {role: imports.report / f"rejected-{role}.csv" for role in ("before", "after")}
    text = rejected["after"].read_text("utf-8-sig")
    reason = "neither yes, true or 1 nor no, false or 0"
    assert text.splitlines() == [
        HEADER.strip() + ",line,code,message",
        "u2,nobody,Ann2,Lee2,Data Steward,no,3,invalid_value,e-mail: not an e-mail address",
        f'u3,u3@example.com,Ann3,Lee3,Data Steward,?,4,invalid_value,"admin access: {reason}"',
    ]
    assert [line.split(",")[7] for line in rejected["before"].read_text("utf-8-sig").splitlines()[1:]] == [
        "left_out"
    ] * 2
    assert {path.stat().st_mode & 0o777 for path in rejected.values()} == {0o600}
    mended = tmp_path / "mended.csv"
    mended.write_text(text.replace("nobody", "u2@example.com").replace("?", "no"), encoding="utf-8")
    assert imports.run(str(mended), "--before", str(rejected["before"])) == ExitCode.DONE
    assert imports.said[2:] == [("u2", "user_license_update"), ("u3", "user_license_update")]


def test_the_preview_shows_how_the_files_are_read_and_publishes_nothing(imports: Imports) -> None:
    assert imports.lists(users(7), users(6), "--preview") == ExitCode.DONE
    assert "list after (after.csv): the platform's list, utf-8, cells separated by comma" in imports.output
    assert "license = column 5, 'license'" in imports.output
    assert imports.output.count("first name 'Ann1'") == 2
    assert "Ann6" not in imports.output
    assert imports.publisher.events == []


def test_the_preview_of_an_unknown_encoding_shows_the_likeliest(imports: Imports) -> None:
    after = users(3) + "u4,u4@example.com,Hélène,Desprès,,no\n"
    assert imports.lists(users(3), after.encode("mac-roman"), "--preview") == ExitCode.USAGE
    assert "--encoding mac-roman\n    u4,u4@example.com,Hélène,Desprès,,no\n" in imports.output
    assert 1 <= imports.output.count("--encoding ") - imports.output.count("name its encoding: --encoding ") <= 3


def test_what_a_directory_exports_says_who_came_and_went_and_nothing_of_licenses(imports: Imports) -> None:
    header = "userPrincipalName,displayName,surname,givenName,objectId,accountEnabled\n"
    before = "ann@x.de,Ann Lee,Lee,Ann,7f,true\nbob@x.de,Bob Poe,Poe,Bob,8f,true\n"
    after = "Ann@X.de,Ann Lee,Lee,Ann,7f,true\neve@x.de,Eve Roe,Roe,Eve,9f,true\n"
    assert imports.lists(before, after, header=header) == ExitCode.USAGE
    assert "--format entra" in imports.output
    assert imports.lists(before, after, "--format", "entra", header=header) == ExitCode.DONE
    assert imports.said == [("bob@x.de", "user_deletion"), ("eve@x.de", "user_creation")]
    assert "no admin access and no license: such changes are not read" in imports.output


def test_a_list_that_lost_a_column_takes_nobodys_license(imports: Imports, tmp_path: Path) -> None:
    columns = tmp_path / "columns.toml"
    columns.write_text('"e-mail" = "Mail"\nlicense = "Produkt"\n', encoding="utf-8")
    before, after = imports.write("b.csv", "", "Mail,Produkt\na@x.de,R\n"), imports.write("a.csv", "", "Mail\na@x.de\n")
    assert imports.run(str(after), "--before", str(before), "--columns", str(columns)) == ExitCode.USAGE
    assert "list after (a.csv): missing column(s) license, which the other list has" in imports.output


def test_a_mapping_file_names_the_headings_and_the_words(imports: Imports, tmp_path: Path) -> None:
    columns = tmp_path / "columns.toml"
    columns.write_text(
        '"user id" = "Matricule"\n"e-mail" = "Courriel pro"\n"admin access" = "Rôle"\n'
        '["admin access words"]\nAdministrateur = "yes"\nMembre = "no"\n',
        encoding="utf-8",
    )
    header = "Matricule;Courriel pro;Rôle;Site\n"
    before, after = "007;a@x.de;Membre;Lyon\n", "007;a@x.de;administrateur;Paris\n"
    assert imports.lists(before, after, "--columns", str(columns), header=header) == ExitCode.DONE
    assert imports.said == [("007", "admin_rights_update")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("e-mail = ", "not TOML"),
        ('shoes = "x"', "no column is called 'shoes'"),
        ('"e-mail" = 7', "must be a heading"),
        ('"e-mail" = "x"\nlicense = "X"', "two columns"),
        ('"e-mail" = "x"\n["admin access words"]\na = "b"', "'yes' or 'no'"),
    ],
)
def test_a_mapping_file_that_is_not_understood_is_refused(
    text: str, message: str, imports: Imports, tmp_path: Path
) -> None:
    columns = tmp_path / "columns.toml"
    columns.write_text(text, encoding="utf-8")
    assert imports.lists("", "", "--columns", str(columns)) == ExitCode.USAGE
    assert message in imports.output
