"""Answers to challenges, against the examples of the standards."""

from recorder.sources.auth import Account, authorization, is_stale

NONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
DIGEST = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
    'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
MUFASA = Account("Mufasa", "Circle of Life")


def test_the_examples_of_rfc_7616_come_out() -> None:
    """Both hashes that cameras may ask for."""
    for algorithm, response in (
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ):
        said = authorization([DIGEST.format(algorithm)], MUFASA, "GET", "/dir/index.html", NONCE)
        assert said is not None
        assert f'response="{response}"' in said
        assert 'uri="/dir/index.html"' in said
        assert "Circle" not in said


def test_the_better_challenge_is_answered_and_the_unknown_is_not() -> None:
    """Digest before Basic; Basic where Digest asks for what nobody speaks; nothing where nothing fits."""
    both = ['Basic realm="a"', DIGEST.format("MD5")]
    strange = DIGEST.format("SHA-512-256")
    assert (authorization(both, MUFASA, "GET", "/", NONCE) or "").startswith("Digest ")
    assert authorization([strange, 'Basic realm="a"'], MUFASA, "GET", "/", NONCE) == (
        "Basic TXVmYXNhOkNpcmNsZSBvZiBMaWZl"
    )
    assert authorization(["Negotiate"], MUFASA, "GET", "/", NONCE) is None
    assert authorization([strange], MUFASA, "GET", "/", NONCE) is None


def test_a_nonce_used_again_is_counted_and_a_stale_one_is_told_from_a_wrong_password() -> None:
    """A strict camera refuses a count it has seen; a stale nonce means that the password was right."""
    said = authorization([DIGEST.format("MD5")], MUFASA, "GET", "/", NONCE, 10)
    assert "nc=0000000a" in (said or "")
    assert is_stale(['Basic realm="a"', 'Digest realm="a", nonce="b", stale=TRUE'])
    assert not is_stale([DIGEST.format("MD5"), "Negotiate"])


def test_of_several_hashes_the_first_that_we_speak_is_answered() -> None:
    """A camera sends a challenge for each, the one it prefers first."""
    challenges = [DIGEST.format(hash_name) for hash_name in ("SHA-512-256", "SHA-256", "MD5")]
    assert "algorithm=SHA-256" in (authorization(challenges, MUFASA, "GET", "/", NONCE) or "")


def test_an_old_camera_without_qop_is_answered_in_its_own_way() -> None:
    """RFC 2069, which cheap firmware still speaks."""
    account = Account("Mufasa", "CircleOfLife")
    challenge = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
    said = authorization([challenge], account, "GET", "/dir/index.html", NONCE)
    assert said is not None
    assert "qop" not in said
    assert 'response="1949323746fe6a43ef61f9606e7febea"' in said
