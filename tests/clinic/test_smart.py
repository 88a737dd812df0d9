"""A SMART launch by the standards' own examples; nothing is sent anywhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from posology.clinic import smart

# RFC 7636, appendix B
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

SETTINGS = smart.Settings("posology", "https://clinic.example.org/smart", ("https://ehr.example.org/fhir",))
AT = smart.Endpoints("https://ehr.example.org/authorize", "https://ehr.example.org/token")
NOW = datetime(2025, 4, 14, 9, 0, tzinfo=UTC)
TOKEN = {"access_token": "secret", "token_type": "Bearer", "expires_in": 300, "scope": "launch", "patient": "123"}


def begun(**changes: Any) -> smart.Begun:
    asked: dict[str, Any] = {"iss": SETTINGS.issuers[0], "launch": "xyz123", "verifier": VERIFIER, "at": AT, "state": "s1"}
    return smart.launch(SETTINGS, **(asked | changes))


def test_the_challenge_is_that_of_the_example_in_rfc_7636():
    assert smart.challenge(VERIFIER) == CHALLENGE


def test_a_fresh_verifier_is_as_long_as_asked_for_and_never_the_same():
    made = {smart.verifier() for _ in range(50)}
    assert len(made) == 50 and {len(v) for v in made} == {43}
    assert all(smart.challenge(v) != v for v in made)


@pytest.mark.parametrize("verifier", ["a" * 42, "a" * 129, "a" * 42 + "!", "a" * 43 + "\n"])
def test_a_verifier_that_the_standard_does_not_allow_is_refused(verifier):
    with pytest.raises(ValueError, match="code_verifier: has .* allowed are 43 to 128"):
        smart.challenge(verifier)


def test_the_browser_is_sent_with_everything_the_launch_needs():
    url = urlsplit(begun().url)
    sent = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert f"{url.scheme}://{url.netloc}{url.path}" == AT.authorize
    assert sent == {
        "response_type": "code", "client_id": "posology", "redirect_uri": SETTINGS.redirect_uri, "launch": "xyz123",
        "scope": SETTINGS.scope, "state": "s1", "aud": SETTINGS.issuers[0], "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }  # fmt: skip
    assert VERIFIER not in begun().url
    assert begun(state="").pending.state != begun(state="").pending.state
    assert "?a=1&response_type" in begun(at=smart.Endpoints(AT.authorize + "?a=1", AT.token)).url


@pytest.mark.parametrize(
    "iss", ["https://evil.example.org/fhir", "https://ehr.example.org/fhir/x", "http://ehr.example.org/fhir", "", "https://ehr.example.org"]
)
def test_only_an_issuer_on_the_list_may_launch(iss):
    with pytest.raises(ValueError, match="iss: .* may not launch us; allowed: https://ehr.example.org/fhir"):
        begun(iss=iss)
    assert begun(iss=SETTINGS.issuers[0] + "/").pending.issuer == SETTINGS.issuers[0]


def test_a_launch_without_its_context_is_refused():
    with pytest.raises(ValueError, match="launch: is missing"):
        begun(launch="")


def test_the_code_comes_back_only_with_our_state():
    pending = begun().pending
    assert smart.callback(pending, {"state": "s1", "code": "abc"}) == "abc"
    for query, said in (
        ({"state": "s2", "code": "abc"}, "state: is not the one that was sent"),
        ({"code": "abc"}, "state: is not the one that was sent"),
        ({"state": "s1", "error": "access_denied", "error_description": "no"}, "refused with 'access_denied' \\('no'\\)"),
        ({"state": "s2", "error": "x"}, "state: is not the one that was sent"),
        ({"state": "s1"}, "code: is missing"),
    ):
        with pytest.raises(ValueError, match=said):
            smart.callback(pending, query)


def test_the_token_is_asked_for_with_the_verifier():
    assert smart.token_request(begun().pending, "abc") == {
        "grant_type": "authorization_code", "code": "abc", "redirect_uri": SETTINGS.redirect_uri, "client_id": "posology",
        "code_verifier": VERIFIER,
    }  # fmt: skip


def test_what_is_granted_names_the_patient_and_ends():
    granted = smart.token(TOKEN, begun().pending, NOW)
    assert (granted.patient, granted.fhir_server) == ("123", SETTINGS.issuers[0])
    assert granted.expires == NOW + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"token_type": "mac"}, "token_type: must be Bearer, got 'mac'"),
        ({"patient": ""}, "patient: must be text that is not empty, got ''"),
        ({"access_token": 7}, "access_token: must be text that is not empty, got a int"),
        ({"expires_in": "300"}, "expires_in: must be whole seconds from 1 to 86400, got '300'"),
        ({"expires_in": True}, "expires_in: must be whole seconds"),
        ({"error": "invalid_grant"}, "error: the hospital's system refused with 'invalid_grant'"),
    ],
)
def test_a_wrong_token_response_is_refused_by_field(change, said):
    with pytest.raises(ValueError, match=said) as caught:
        smart.token(TOKEN | change, begun().pending, NOW)
    assert "secret" not in str(caught.value)
    with pytest.raises(ValueError, match="must be an object, got list"):
        smart.token([], begun().pending, NOW)


def test_addresses_are_read_from_the_configuration_and_must_be_https_with_s256():
    good = {"authorization_endpoint": AT.authorize, "token_endpoint": AT.token, "code_challenge_methods_supported": ["S256"]}
    assert smart.endpoints(good) == AT
    assert smart.endpoints(good | {"token_endpoint": "http://localhost:8000/token"}).token == "http://localhost:8000/token"
    for change, said in (
        ({"token_endpoint": "http://ehr.example.org/token"}, "token_endpoint: must be an https address"),
        ({"authorization_endpoint": None}, "authorization_endpoint: must be an https address"),
        ({"token_endpoint": "https://a@ehr.example.org"}, "token_endpoint: must be an https address"),
        ({"code_challenge_methods_supported": ["plain"]}, "must hold S256, got \\['plain'\\]"),
    ):
        with pytest.raises(ValueError, match=said):
            smart.endpoints(good | change)
