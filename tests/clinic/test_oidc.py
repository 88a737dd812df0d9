"""Logging in through an identity provider: whom it vouches for gets in, and every forgery is refused with a sentence."""

from __future__ import annotations

import base64
import hmac
import json
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from identity_provider import CLIENT, SECRET, Provider, answering
from joserfc import jwk, jwt
from web_clients import client

from posology.clinic import audit, oidc, store
from posology.clinic.app import create_app
from posology.clinic.settings import Settings

ROLES = {"heads": "data manager", "doctors": "clinician", "nurses": "viewer"}


@pytest.fixture(scope="module")
def idp():
    with answering(Provider()) as provider:
        yield provider


@pytest.fixture(scope="module")
def clinic(idp, tmp_path_factory):
    often = {"requests_per_second": 10_000, "burst": 100_000, "logins_per_minute": 100_000}
    known = {"oidc_issuer": idp.issuer, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET, "oidc_roles": ROLES}
    app = create_app(Settings(data=tmp_path_factory.mktemp("oidc"), **known, **often))
    app.state.provider.cool = 0.0
    yield app
    app.state.clinic.engine.dispose()


@pytest.fixture(autouse=True)
def honest(idp):
    yield
    idp.forged, idp.down = None, False


def sent(clinic, path="/patients"):
    """A browser on its way to the provider, and where it was sent."""
    browser = client(clinic)
    return browser, browser.get("/login/oidc", params={"next": path}).headers["location"]


def refused(clinic, browser, path, said):
    answer = browser.get(path)
    assert answer.status_code == 401 and said in answer.text
    assert "posology=" not in answer.headers["set-cookie"]
    assert browser.get("/account").status_code == 303


def test_whom_the_provider_vouches_for_gets_in_with_the_role_of_the_group(clinic, idp):
    browser, location = sent(clinic)
    asked = {k: v[0] for k, v in parse_qs(urlsplit(location).query).items()}
    assert location.startswith(f"{idp.issuer}/authorization?") and asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == "http://127.0.0.1/login/oidc/callback" and len(asked["nonce"]) == 43
    answer = browser.get(idp.vouch(location, groups=["nurses", "doctors"]))
    assert answer.headers["location"] == "/patients" and "HttpOnly" in answer.headers["set-cookie"]
    account = browser.get("/api/account").json()
    assert (account["name"], account["role"]) == ("ann@127.0.0.1", "clinician")
    assert "you log in through the identity provider" in browser.get("/account").text.lower()
    assert "Log in through your organisation" in client(clinic).get("/login").text
    assert audit.verify(clinic.state.clinic.engine).fault is None


def test_the_subject_is_the_person_whatever_the_name_and_the_role_follows_the_group(clinic, idp):
    first, location = sent(clinic)
    first.get(idp.vouch(location, sub="u-7", preferred_username="gil", groups="nurses"))
    assert first.get("/api/account").json()["role"] == "viewer"
    second, location = sent(clinic)
    second.get(idp.vouch(location, sub="u-7", preferred_username="gila", groups=["heads"]))
    account = second.get("/api/account").json()
    assert (account["name"], account["role"]) == ("gil@127.0.0.1", "data manager")
    assert first.get("/account").status_code == 303  # what was open with the old role has ended
    third, location = sent(clinic)
    third.get(idp.vouch(location, sub="u-8", preferred_username="gil", groups="nurses"))
    assert third.get("/account").status_code == 303  # the name is somebody else's


def test_a_local_user_is_never_taken_over_and_nobody_logs_in_with_a_password(clinic, idp):
    engine = clinic.state.clinic.engine
    store.add_user(engine, "root", "correct horse battery", "admin", "test")
    browser, location = sent(clinic)
    browser.get(idp.vouch(location, sub="u-9", preferred_username="root", groups=["nurses"]))
    assert browser.get("/api/account").json()["name"] == "root@127.0.0.1"
    for password in ("!", "", "correct horse battery"):
        answer = client(clinic).post("/login", data={"name": "root@127.0.0.1", "password": password})
        assert answer.status_code == 401
    with pytest.raises(ValueError, match="logs in through the identity provider"):
        store.set_password(engine, "root@127.0.0.1", "correct horse battery", "root")


def test_without_a_group_that_is_mapped_there_is_no_login_and_what_was_open_ends(clinic, idp):
    browser, location = sent(clinic)
    browser.get(idp.vouch(location, sub="u-10", preferred_username="hal", groups=["nurses"]))
    for groups in ([], ["admins"], None, {"nurses": True}, 7, "nurses "):
        other, location = sent(clinic)
        refused(clinic, other, idp.vouch(location, sub="u-10", groups=groups), "gives you a role here")
    assert browser.get("/account").status_code == 303
    new, location = sent(clinic)
    refused(clinic, new, idp.vouch(location, sub="u-11", preferred_username="ida", groups=["x"]), "gives you a role here")
    assert "ida@127.0.0.1" not in [user["name"] for user in store.list_users(clinic.state.clinic.engine)]


def test_a_closed_account_stays_closed(clinic, idp):
    browser, location = sent(clinic)
    browser.get(idp.vouch(location, sub="u-12", preferred_username="jon"))
    store.change(clinic.state.clinic.engine, "jon@127.0.0.1", "root", active=False)
    again, location = sent(clinic)
    refused(clinic, again, idp.vouch(location, sub="u-12"), "the account is closed")


NOW = time.time()


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"iss": "https://evil.example"}, "ID token, iss: is of another identity provider"),
        ({"iss": None}, "ID token, iss"),
        ({"aud": "another"}, "ID token, aud: was made for another program"),
        ({"aud": [CLIENT, "another"]}, "ID token, aud"),
        ({"azp": "another"}, "ID token, aud"),
        ({"exp": NOW - 300}, "ID token, exp: has expired"),
        ({"exp": None}, "ID token, exp"),
        ({"exp": "tomorrow"}, "ID token, exp"),
        ({"iat": NOW + 3600}, "ID token, iat: lies in the future"),
        ({"nbf": NOW + 3600}, "ID token, nbf: lies in the future"),
        ({"nonce": "of another login"}, "ID token, nonce: is not the one of this login"),
        ({"nonce": None}, "ID token, nonce"),
        ({"sub": ""}, "ID token, sub: must be 1 to 255"),
        ({"sub": 7}, "ID token, sub"),
    ],
)
def test_a_token_with_a_claim_that_does_not_hold_is_refused(clinic, idp, claims, said):
    browser, location = sent(clinic)
    refused(clinic, browser, idp.vouch(location, **claims), said)


def packed(part):
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def forged(idp, location, alg):
    """An ID token that is right but for its signature."""
    nonce = parse_qs(urlsplit(location).query)["nonce"][0]
    claims = {
        "iss": idp.issuer, "aud": CLIENT, "sub": "u-1", "iat": int(NOW), "exp": int(NOW) + 3600, "nonce": nonce,
        "groups": ["heads"],
    }  # fmt: skip
    if alg == "HS256":  # the public key as the shared secret
        said = f"{packed({'alg': 'HS256', 'kid': idp.signs})}.{packed(claims)}"
        mac = hmac.digest(idp.keys[idp.signs].as_pem(private=False), said.encode(), "sha256")
        return f"{said}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    if alg == "ES256":  # a key of the attacker's under the provider's key id
        return jwt.encode({"alg": "ES256", "kid": idp.signs}, claims, jwk.ECKey.generate_key("P-256"))
    header = {"alg": alg, "kid": idp.signs}
    if alg == "embedded":
        own = jwk.ECKey.generate_key("P-256")
        return jwt.encode({"alg": "ES256", "jwk": own.as_dict(private=False)}, claims, own)
    return f"{packed(header)}.{packed(claims)}."


@pytest.mark.parametrize(
    ("alg", "said"),
    [
        ("none", "ID token, alg: must be one of RS256"),
        ("NoNe", "ID token, alg"), ("HS256", "ID token, alg: must be one of RS256"),
        ("ES256", "its signature is not that of the identity provider"), ("embedded", "its signature is not that"),
    ],
)  # fmt: skip
def test_a_token_that_the_provider_did_not_sign_is_refused(clinic, idp, alg, said):
    browser, location = sent(clinic)
    idp.forged = forged(idp, location, alg)
    refused(clinic, browser, idp.vouch(location), said)


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "....", "é.é.é", "x" * 100_000])
def test_what_is_no_token_is_refused(clinic, idp, token):
    browser, location = sent(clinic)
    idp.forged = token or " "
    refused(clinic, browser, idp.vouch(location), "ID token")


def test_a_code_or_a_state_is_good_once(clinic, idp):
    browser, location = sent(clinic)
    back, kept = idp.vouch(location), dict(browser.cookies)
    assert browser.get(back).status_code == 303
    refused(clinic, client(clinic), back, "state: the login was not begun in this browser")
    refused(clinic, client(clinic, cookies=kept), back, "state: was used before")
    other, location = sent(clinic)
    spent = idp.vouch(location)
    idp.waiting.clear()
    refused(clinic, other, spent, "code: the identity provider did not take it")


def test_the_answer_to_one_browser_is_worth_nothing_in_another(clinic, idp):
    (_, here), (victim, there) = sent(clinic), sent(clinic)
    back = idp.vouch(here)
    refused(clinic, victim, back, "state: the login was not begun in this browser")
    victim, there = sent(clinic)
    mixed = back.replace(parse_qs(urlsplit(here).query)["state"][0], parse_qs(urlsplit(there).query)["state"][0])
    refused(clinic, victim, mixed, "code: the identity provider did not take it")  # the verifier is another's
    refused(clinic, client(clinic), "/login/oidc/callback?code=x&state=", "state:")


def test_an_answer_with_an_error_or_of_another_issuer_is_refused(clinic, idp):
    for more, said in (
        ("&error=access_denied", "did not let you in (access_denied)"),
        ("&error=%3Cscript%3E", "did not let you in (an unknown error)"),
        ("&iss=https://evil.example", "iss: the answer is of another identity provider"),
        ("", "code: is missing"),
    ):
        browser, location = sent(clinic)
        state = parse_qs(urlsplit(location).query)["state"][0]
        refused(clinic, browser, f"/login/oidc/callback?state={state}{more}", said)


def test_a_new_key_is_read_when_a_token_names_it_and_made_up_ones_do_not_make_us_ask_on(clinic, idp):
    browser, location = sent(clinic)
    browser.get(idp.vouch(location))
    idp.rotate("second")
    later, location = sent(clinic)
    assert later.get(idp.vouch(location)).status_code == 303
    clinic.state.provider.cool, before = 60.0, idp.documents
    unknown = jwt.encode({"alg": "ES256", "kid": "made up"}, {"sub": "x"}, jwk.ECKey.generate_key("P-256"))
    for _ in range(3):
        other, location = sent(clinic)
        idp.forged = unknown
        refused(clinic, other, idp.vouch(location), "a key that the identity provider does not publish")
    assert idp.documents == before
    clinic.state.provider.cool = 0.0


def test_a_provider_that_is_down_or_another_is_said_and_passwords_still_work(clinic, idp):
    clinic.state.provider._read.clear()
    idp.down = True
    answer = client(clinic).get("/login/oidc", headers={"accept": "application/json"})
    assert answer.status_code == 503 and answer.json()["detail"].startswith("identity provider: answered 503")
    idp.down = False
    name, idp.issuer = idp.issuer, "https://evil.example"
    answer = client(clinic).get("/login/oidc", headers={"accept": "application/json"})
    idp.issuer = name
    assert answer.status_code == 503 and "says that it is 'https://evil.example'" in answer.json()["detail"]
    clinic.state.provider._read.clear()


def test_where_no_provider_is_configured_there_is_no_way_to_it(visitor):
    assert visitor.get("/login/oidc").status_code == 404 and visitor.get("/login/oidc/callback").status_code == 404
    assert "your organisation" not in visitor.get("/login").text


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"oidc_issuer": "http://login.example"}, "oidc_issuer: must be an https address"),
        ({"oidc_client_id": ""}, "oidc_client_id: is empty"),
        ({"oidc_roles": {}}, "oidc_roles: is empty"),
        ({"oidc_roles": {"x": "king"}}, "role: 'king' is not known"),
    ],
)
def test_settings_that_would_let_in_nobody_or_anybody_are_refused_at_the_start(more, said):
    known = {"oidc_issuer": "https://login.example", "oidc_client_id": CLIENT, "oidc_roles": ROLES}
    with pytest.raises(ValueError, match=said):
        oidc.provider(Settings(**(known | more)))
