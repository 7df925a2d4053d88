"""The manual's claims, read from a small manual of our own; and what is no manual, or a broken one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compat_matrix import MatrixError, read_manual
from compat_matrix.docbook import digest, expand
from compat_matrix.read_manual import CHANGES, said

FGETS = """<?xml version="1.0" encoding="utf-8"?>
<refentry xmlns="http://docbook.org/ns/docbook" xml:id="function.fgets">
 <refnamediv><refname>fgets</refname><refpurpose>A line</refpurpose></refnamediv>
 <refsect1 role="description">&reftitle.description;
  <methodsynopsis>
   <type class="union"><type>string</type><type>false</type></type><methodname>fgets</methodname>
   <methodparam><type>resource</type><parameter>stream</parameter></methodparam>
   <methodparam choice="opt"><type class="union"><type>int</type><type>null</type></type>
    <parameter>length</parameter><initializer>&null;</initializer></methodparam>
   <methodparam choice="opt"><type>array</type><parameter role="reference">more</parameter></methodparam>
  </methodsynopsis>
  <para>Not a claim.</para>
 </refsect1>
 <refsect1 role="parameters">&reftitle.parameters;
  <variablelist>
   <varlistentry><term><parameter>stream</parameter></term><listitem>&fs.open;</listitem></varlistentry>
   <varlistentry><term><parameter>length</parameter></term><listitem><para>How much.
     <variablelist><varlistentry><term>0</term><listitem><simpara>none</simpara></listitem></varlistentry>
     </variablelist></para><note><para>Less is more.</para></note></listitem></varlistentry>
  </variablelist>
 </refsect1>
 <refsect1 role="returnvalues">&reftitle.returnvalues;
  <para>A line&return.falseforfailure;.</para>
  <itemizedlist><listitem><simpara>one</simpara></listitem><listitem><simpara>two</simpara></listitem></itemizedlist>
 </refsect1>
 <refsect1 role="errors">&reftitle.errors;<para>It warns.</para></refsect1>
 <refsect1 role="changelog">&reftitle.changelog;
  <informaltable><tgroup cols="2">
   <thead><row><entry>&Version;</entry><entry>&Description;</entry></row></thead>
   <tbody>
    <row><entry>8.1.0</entry><entry><parameter>length</parameter> is nullable now.</entry></row>
    <row><entry>7.0.16, 7.1.2</entry><entry>It became quicker.</entry></row>
    <row><entry>8.1.0</entry><entry>And &unheard.of; again.</entry></row>
   </tbody></tgroup></informaltable>
 </refsect1>
 <refsect1 role="examples"><example><title>x</title>
  <programlisting><![CDATA[<?php a() && b(); ?>]]></programlisting></example></refsect1>
</refentry>
"""
FPUTS = """<refentry xmlns="http://docbook.org/ns/docbook" xml:id="function.fputs">
 <refnamediv><refname>fputs</refname><refpurpose>&Alias; <function>fwrite</function></refpurpose></refnamediv>
</refentry>
"""
TRANSPORTS = """<appendix xmlns="http://docbook.org/ns/docbook" xml:id="transports"><title>T</title>
 <section xml:id="transports.inet"><title>Internet</title><simpara>One.</simpara>
  <note><simpara>Two.</simpara></note>
  <section xml:id="transports.inet.sub"><title>Sub</title><simpara>Three.</simpara></section>
 </section></appendix>
"""
CONTEXT = """<refentry xmlns="http://docbook.org/ns/docbook" xml:id="context.ssl">
 <refnamediv><refname>SSL</refname><refpurpose>Options</refpurpose></refnamediv>
 <refsect1 role="options"><variablelist>
  <varlistentry><term><parameter>cafile</parameter> <type>string</type></term>
   <listitem><para>A.</para></listitem></varlistentry></variablelist></refsect1></refentry>
"""
ENTITIES = """<!ENTITY return.falseforfailure ' &return.false;'>
<!-- <!ENTITY fs.open 'commented out'> -->
<!ENTITY return.false "or <constant xmlns='http://docbook.org/ns/docbook'>false</constant>">
<!ENTITY fs.open '<para xmlns="http://docbook.org/ns/docbook">A stream &amp; more, 50&#37;.</para>'>
"""


@pytest.fixture
def manual(tmp_path: Path) -> Path:
    files = {
        "reference/filesystem/functions/fgets.xml": FGETS,
        "reference/filesystem/functions/fputs.xml": FPUTS,
        "reference/stream/functions/.keep": "",
        "appendices/transports.xml": TRANSPORTS,
        "language/wrappers/.keep": "",
        "language/context/ssl.xml": CONTEXT,
        "language-snippets.ent": ENTITIES,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def test_a_function_has_a_claim_for_each_thing_it_promises(manual: Path) -> None:
    page = read_manual.read_manual(manual)["pages"]["function.fgets"]
    assert list(page["claims"]) == [
        "signature",
        "parameters.stream",
        "parameters.length",
        "returnvalues.1",
        "returnvalues.2",
        "returnvalues.3",
        "errors.1",
        "changelog.8.1.0",
        "changelog.7.0.16-7.1.2",
        "changelog.8.1.0-2",
        "examples.1",
        "notes.1",
    ]
    assert (page["chapter"], page["kind"], page["name"]) == ("filesystem", "function", "fgets")


def test_hashes_are_those_of_the_text_with_entities_put_in(manual: Path) -> None:
    claims = read_manual.read_manual(manual)["pages"]["function.fgets"]["claims"]
    assert claims["parameters.stream"] == digest("$stream A stream & more, 50%.")
    assert claims["returnvalues.1"] == digest("A line or false.")
    assert claims["changelog.8.1.0-2"] == digest("And {unheard.of} again.")
    assert claims["notes.1"] == digest("Less is more.")


def test_a_note_is_not_part_of_the_parameter_it_stands_at(manual: Path) -> None:
    before = read_manual.read_manual(manual)["pages"]["function.fgets"]["claims"]
    path = manual / "reference/filesystem/functions/fgets.xml"
    path.write_text(FGETS.replace("Less is more", "More is more"))
    after = read_manual.read_manual(manual)["pages"]["function.fgets"]["claims"]
    assert [name for name in before if before[name] != after[name]] == ["notes.1"]


def test_signature_and_changes_are_kept_as_facts(manual: Path) -> None:
    pages = read_manual.read_manual(manual)["pages"]
    page = pages["function.fgets"]
    assert page["signatures"] == [
        {
            "returns": ["false", "string"],
            "parameters": [
                {"name": "stream", "type": ["resource"]},
                {"name": "length", "type": ["int", "null"], "optional": True, "default": "null"},
                {"name": "more", "type": ["array"], "by_reference": True, "optional": True},
            ],
        }
    ]
    assert page["changes"] == {
        "changelog.8.1.0": {"version": "8.1.0", "nullable": ["length"]},
        "changelog.7.0.16-7.1.2": {"version": "7.1.2"},
        "changelog.8.1.0-2": {"version": "8.1.0"},
    }
    assert pages["function.fputs"]["alias_of"] == "fwrite"


def test_sections_of_an_appendix_and_options_are_pages_and_claims(manual: Path) -> None:
    pages = read_manual.read_manual(manual)["pages"]
    assert list(pages["transports.inet"]["claims"]) == ["description.1", "notes.1"]
    assert list(pages["transports.inet.sub"]["claims"]) == ["description.1"]
    assert list(pages["context.ssl"]["claims"]) == ["options.cafile"]


def test_no_sentence_is_stored(manual: Path, tmp_path: Path) -> None:
    out = tmp_path / "manual.json"
    assert read_manual.main(["--doc-en", str(manual), "--out", str(out)]) == 0
    text = out.read_text("utf-8")
    for sentence in ("How much", "Less is more", "It warns", "became quicker", "A line", "One."):
        assert sentence not in text
    assert json.loads(text)["pages"]["function.fgets"]["claims"]


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("$length is nullable now.", {"nullable": ["length"]}),
        ("$timeout and $context are now nullable.", {"nullable": ["timeout", "context"]}),
        ("$length is nullable now; previously, the default was 1024.", {}),
        ("The optional $eol parameter has been added.", {"parameter": ["eol"]}),
        ("Added support for CAA record type.", {}),
        ("$bucket expects a StreamBucket instance now; previously, more.", {"object": ["bucket"]}),
        ("The function now always returns {true}. Previously it did not.", {"returns": ["true"]}),
        ("Return type changed from stringfalse to string.", {"returns": ["string"]}),
        ("This function has been deprecated.", {"deprecated": ["deprecated"]}),
        ("The alternative signature is now deprecated.", {}),
    ],
)
def test_what_a_changelog_says_in_one_sentence_is_understood(text: str, fact: dict[str, list[str]]) -> None:
    assert next(filter(None, (said(text, *change) for change in CHANGES)), {}) == fact


def test_an_entity_that_names_itself_ends() -> None:
    assert expand("&a;", {"a": "x&a;"}).startswith("xxxx")


def test_a_changed_manual_is_noticed(
    manual: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "manual.json"
    arguments = ["--doc-en", str(manual), "--out", str(out)]
    assert read_manual.main(arguments) == 0
    assert read_manual.main([*arguments, "--check"]) == 0
    assert "no claim has changed" in capsys.readouterr().out
    written = out.read_text()
    text = FGETS.replace("It warns.", "It throws.").replace("<listitem><simpara>two</simpara></listitem>", "")
    (manual / "reference/filesystem/functions/fgets.xml").write_text(text)
    (manual / "reference/filesystem/functions/fputs.xml").unlink()
    assert read_manual.main([*arguments, "--check"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "gone     function.fgets#returnvalues.3",
        "gone     function.fputs#signature",
        "changed  function.fgets#errors.1",
    ]
    assert out.read_text() == written


def test_what_is_no_manual_leaves_everything_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "manual.json"
    out.write_text("before")
    assert read_manual.main(["--doc-en", str(tmp_path), "--out", str(out)]) == 2
    assert "is not a checkout of php/doc-en" in capsys.readouterr().err
    assert out.read_text() == "before"


def test_a_broken_page_is_named_and_nothing_is_written(
    manual: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "manual.json"
    (manual / "reference/filesystem/functions/fgets.xml").write_text("<refentry><oops></refentry>")
    assert read_manual.main(["--doc-en", str(manual), "--out", str(out)]) == 2
    assert "fgets.xml: not well-formed XML" in capsys.readouterr().err
    assert not out.exists()


def test_two_pages_of_one_id_are_refused(manual: Path) -> None:
    (manual / "reference/filesystem/functions/fputs.xml").write_text(FGETS)
    with pytest.raises(MatrixError, match="a second page with the id"):
        read_manual.read_manual(manual)
