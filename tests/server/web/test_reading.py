"""Reading: the list, an adapter, its files, its bases; with the links between them."""

import json
import re

from tests.server.web.conftest import POETS, TAG


def names(reader):
    return [text.partition("@")[0] for text in reader.texts(".list tbody th a")]


def test_a_search_finds_by_words_base_module_namespace_and_tag(admin):
    admin.open("/").search("POET")
    assert names(admin) == ["ada/poet"]
    assert admin.path.startswith("/?q=POET")
    for question, found in (
        ("target=gate_proj", POETS // 2),
        ("base=ORG/TINY&namespace=ada", 3),
        ("tag=open", 1),
        ("namespace=bob&tag=verse", 0),
        ("q=%25", 0),
    ):
        assert len(names(admin.open(f"/?{question}"))) == found, question
    assert "No adapter that you may see answers this." in admin.text


def test_a_filter_stays_where_a_search_goes_on(admin):
    admin.open("/?namespace=bob&target=gate_proj")
    assert admin.one("#namespace").get_attribute("value") == "bob"
    admin.follow("Clear")
    assert admin.path == "/"


def test_pages_follow_each_other_and_lead_back(admin):
    first = names(admin.open("/"))
    rest = names(admin.follow("Next page"))
    assert (len(first), len(rest)) == (50, POETS + 4 - 50)
    assert not {*first} & {*rest}
    assert names(admin.follow("First page")) == first
    assert names(admin.open("/?namespace=bob").follow("Next page"))[-1] == "bob/style-00"


def test_an_adapter_has_all_that_is_known_of_it(shown, admin):
    admin.open("/").search("ada/poet").follow("ada/poet")
    digest = shown.hub.show("ada/poet@3").digest
    assert admin.driver.title == "ada/poet@3 · adapterhub"
    for words in ("LORA", "MIT", digest, "q_proj", "verse", "32 F32"):
        assert words in admin.text, words
    assert admin.texts(".card h3, .card strong") == ["The poet", "verse"]
    assert admin.texts("#versions ~ .scroll tbody th, #versions ~ .scroll .alias") == ["3", "2", "prod", "1"]
    assert [title.split(":")[0] for title in admin.ask(TITLES, "accuracy")] == ["1", "2", "3"]
    assert admin.texts(".numbers tbody tr")[0].split() == ["3", "0.83", "0.3333"]
    assert admin.texts("#fit ~ .scroll tbody tr")[0].startswith("tiny exact 2 of 2 bytes")
    assert admin.one("#family").find_element("xpath", "..").text.endswith("Led to\nada/child@1")


TITLES = """
const svg = [...document.querySelectorAll('svg')].find((one) => one.ariaLabel.startsWith(arguments[0]));
return [...svg.querySelectorAll('title')].map((one) => one.textContent);
"""


def test_versions_and_aliases_have_pages(admin):
    admin.open("/ada/poet").one("#versions ~ .scroll tr:last-child a").click()
    assert admin.path == "/ada/poet/tree/1"
    assert "An older version: 3 is the newest." in admin.text
    assert "0.81" in admin.one("tr.current").text
    assert admin.open("/ada/poet/tree/alias%2Fprod").driver.title == "ada/poet@2 · adapterhub"


def test_parents_and_children_lead_to_each_other(admin):
    admin.open("/ada/child").follow("ada/poet@3")
    assert admin.path == "/ada/poet/tree/3"
    admin.follow("ada/child@1")
    assert admin.texts("h1") == ["child@1 private"]


def test_a_file_is_shown_and_downloaded(shown, admin):
    admin.open("/ada/poet").follow("adapter_config.json")
    assert json.loads(admin.one("pre.text").text)["r"] == 2
    config = shown.ask("GET", admin.one("a.button").get_attribute("href").removeprefix(shown.url))
    assert config.json()["r"] == 2
    admin.open("/ada/poet").follow("adapter_model.safetensors")
    assert admin.texts("tbody tr")[0] == "base_model.model." + "layers.0.q_proj.lora" + "_A.weight F32 2 × 4"
    assert shown.hub.show("ada/poet").manifest.file("adapter_model.safetensors").sha256 in admin.text


def test_a_card_leads_to_files_of_its_own_version(admin):
    admin.open("/ada/poet/tree/2").follow("its config")
    assert admin.path == "/ada/poet/blob/2/adapter_config.json"


def test_history_folders_and_commits_have_pages(shown, admin):
    admin.open("/ada/poet").follow("history")
    assert [row.split()[1] for row in admin.texts("tbody tr")] == ["3", "2", "1"]
    oid = shown.ask("GET", "/api/models/ada/poet/revision/2").json()["sha"]
    assert admin.open(f"/ada/poet/commit/{oid}").path == f"/ada/poet/tree/{oid}"
    assert admin.driver.title == "ada/poet@2 · adapterhub"


def test_a_base_has_everything_that_fits_it(admin):
    admin.open("/bases").follow("tiny")
    rows = admin.texts("tbody tr")
    assert rows[0] == "ada/poet@3 exact 2 of 2 bytes"
    assert len([row for row in rows if " unpinned " in row]) == POETS // 2 + 3
    assert len([row for row in rows if " partial " in row]) == POETS // 2
    admin.one(".sift input").send_keys("poet exact")
    assert len([row for row in admin.all("tbody tr") if row.is_displayed()]) == 1
    assert admin.follow("ada/poet@3").path == "/ada/poet/tree/3"
    admin.one("dl").find_element("link text", "org/tiny").click()
    assert re.fullmatch("/bases/[0-9a-f]{64}", admin.path)


def test_everything_can_be_read_without_scripts(admin):
    admin.scripts(False)
    admin.open("/?q=ada/poet").follow("ada/poet")
    assert admin.path == "/ada/poet"
    assert admin.all("button") == []
    admin.follow("1")
    assert admin.path == "/ada/poet/tree/1#metrics"


def test_hostile_words_are_words(admin):
    admin.open("/").search(TAG, "tag")
    assert names(admin) == ["ada/trap"]
    assert admin.texts(".tag") == [TAG]
    assert admin.one("#tag").get_attribute("value") == TAG
    admin.follow(TAG)
    assert names(admin) == ["ada/trap"]
    admin.open("/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert admin.one("#q").get_attribute("value") == '"><script>alert(1)</script>'


def test_a_hostile_card_is_inert(admin):
    admin.open("/ada/trap")
    assert admin.driver.title == "ada/trap@1 · adapterhub"
    assert admin.all(".card script, .card img, .card style, .card [style], .card [onerror], .card [id]") == []
    led = {link.text: link.get_attribute("href") for link in admin.all(".card a")}
    assert led == {
        "four": "http://evil.example/",
        "six": "https://evil.example/pixel.png",
        "eight": "https://example.org/",
    }
    assert {link.get_attribute("rel") for link in admin.all(".card a")} == {"nofollow noopener noreferrer"}
    hosts = admin.ask("return performance.getEntriesByType('resource').map((one) => new URL(one.name).host)")
    assert {*hosts} == {admin.server.url.removeprefix("http://")}
