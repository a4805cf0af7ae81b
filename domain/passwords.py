"""What a password must be: long enough, and none of those that everybody tries first.

Length counts, composition rules do not (OWASP ASVS 5.0, 6.2). The list is our own, of obvious ones.
"""

from domain.errors import FieldError, Invalid

SHORTEST, LONGEST = 8, 128

STEMS = frozenset(
    """
    password passw0rd p@ssword p@ssw0rd passwort motdepasse contrasena parola senha welcome letmein
    iloveyou iloveu sunshine princess princesa football baseball basketball cricket superman batman
    spiderman ironman pokemon starwars dragon monkey shadow master mustang michael jessica jennifer
    charlie daniel matthew andrew thomas robert ashley amanda nicole samantha computer internet samsung
    iphone android google facebook instagram whatsapp twitter youtube amazon netflix microsoft windows
    apple linux ubuntu server database login signin admin administrator root guest user test testing
    tester demo sample example changeme default secret private temp temporary qwerty qwertyuiop asdfgh
    asdfghjkl zxcvbn zxcvbnm qazwsx qazwsxedc 1q2w3e 1q2w3e4r 1qaz2wsx zaq12wsx q1w2e3r4 abcdef abcdefgh
    abc123 a1b2c3d4 trustno1 whatever nothing forever freedom hello helloworld flower butterfly
    chocolate cookie cheese banana orange purple silver golden diamond platinum jewel jewellery jewelry
    necklace kundan maharaja maharani hindustan bharat india mumbai delhi bangalore bengaluru chennai
    kolkata hyderabad pune jaipur sachin dhoni virat kohli krishna ganesh lakshmi shivaji hanuman
    jaishriram omnamahshivaya sairam radhe radhekrishna mahadev shiva durga saraswati priyanka deepika
    aishwarya rajesh ramesh suresh mahesh ganesha sweety lovely angel babygirl mummy papa mother father
    family friends myself iamthebest killer hunter ranger soccer hockey tennis summer winter spring
    autumn monday friday january december november september october
    """.split()  # noqa: SIM905 - two hundred words read better without quotes
)
"""Words that are bad with anything short behind them: digits, a year, an exclamation mark."""

TAILS = "0123456789!@#$%&*._-?"

RUNS = ("abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm", "01234567890123456789")


def checked_password(password: str, *, field: str, about: tuple[str, ...] = ()) -> str:
    """The password itself. Raise Invalid when it is too short, too long, or easily guessed.

    `about` are the person's own words: the name, the part of the address before the @.
    """
    if fault := _fault(password, about):
        code, message = fault
        raise Invalid(message, errors=(FieldError(field=field, code=code, message=message),))
    return password


def _fault(password: str, about: tuple[str, ...]) -> tuple[str, str] | None:
    if len(password) < SHORTEST:
        return "password-too-short", f"a password has at least {SHORTEST} characters"
    if len(password) > LONGEST:
        return "password-too-long", f"a password has at most {LONGEST} characters"
    if "\0" in password:
        return "password-invalid", "a password has no NUL character"
    if _is_common(password.casefold()):
        return "password-too-common", "this password is one of those that everybody tries first"
    if any(_is_mostly(password.casefold(), word.casefold()) for word in about):
        return "password-about-you", "a password should not be made of your name or address"
    return None


def _is_common(password: str) -> bool:
    stem = password.strip(TAILS)
    return (
        stem in STEMS
        or password in STEMS
        or len(set(password)) <= 2
        or any(_runs_along(password, run) or _runs_along(password, run[::-1]) for run in RUNS)
        or not stem.strip()
    )


def _runs_along(password: str, run: str) -> bool:
    """Four fifths of it is one stretch of neighbours: abcdefgh, 12345678, qwertyui1."""
    length = max(5, len(password) * 4 // 5)
    return any(password[i : i + length] in run for i in range(len(password) - length + 1))


def _is_mostly(password: str, word: str) -> bool:
    return len(word) >= 4 and word in password and len(password) - len(word) <= 4
