"""Secrets and keys as people say, hear and type them: words of a list, and letters. Pure.

The list is fedsync's own: 256 English words, easily spoken. No two share their first four letters and none is one
letter away from another, so that a word misheard or cut short is still told apart.
"""

from base64 import b32decode, b32encode
from hashlib import sha256

from fedsync.errors import Exit, Problem
from fedsync.records.ids import Key

WORDS = tuple(
    """
acorn album anchor angel apple april apron arrow aspen atlas autumn avenue badger bakery balcony bamboo
banjo barley basket beacon beaver bench berry bicycle blanket blossom boat border bottle branch bread bridge
bronze bucket buffalo butter cabin cactus camel candle canoe canvas captain carpet castle cedar cello chalk
cherry chimney cinema circle clover coconut coffee comet copper coral cotton cradle cricket crown crystal
cushion daisy dancer diamond dinner dolphin doorway dragon drum eagle earth echo ember engine evening fabric
falcon fern flute forest frog garden garlic giant glacier glove gondola goose grape gravel guitar hammer
harbour harvest hazel hedge helmet honey hotel hunter iceberg igloo insect island ivory jacket jaguar
jasmine jelly journey jungle kettle kitchen kite koala ladder lagoon lamp lantern laundry lemon leopard
letter lily lizard lobster lotus lunch magnet mango maple marble meadow melon mermaid mirror monkey mosaic
mountain muffin museum mushroom napkin needle nest noodle nutmeg oasis ocean october olive onion orange
orchard otter oven oyster palace panda paper parrot pasture peach pebble pelican pencil pepper piano picnic
pigeon pirate planet plum pony potato prairie prism pumpkin puppet purple puzzle pyramid quarry queen quilt
rabbit radish rainbow raven ribbon river robin rocket rooster rose saddle salmon sandal saturn scarf school
shell shovel silver snow sofa spider spoon spring squirrel stone straw sugar swan sweater table tailor
teapot temple thimble thunder tiger timber tomato tower tractor train trumpet tulip tunnel turtle umbrella
uncle valley vanilla velvet village violin volcano wagon walnut water whale wheel willow window winter wolf
wooden yellow yogurt zebra zipper
""".split()
)
"""256 of them, by alphabet: a byte is a word. Never changed: two versions must say the same words."""

WORDS_TAG = b"fedsync/1/words\0"
DEVICE_TAG = b"fedsync/1/device\0"
DEVICE_TEXT_LENGTH = 84
"""Letters of a key with its device: 52 bytes, at five bits a letter."""
KEY_TEXT_LENGTH = 52
"""Characters of a key as text: 256 bits at five a character, and four zero bits."""


class NotAKey(Problem):
    """The text is not a key. Whoever typed it looks again."""

    def __init__(self, why: str) -> None:
        super().__init__("not_a_key", f"This is not a key: {why}.", "Copy it again, whole.", Exit.USAGE)


def six_words(secret: bytes) -> list[str]:
    """Return the six words by which two people on the telephone tell that they hold the same `secret`.

    48 bits of its SHA-256: enough against someone who must answer at once, and they tell nothing of the secret.
    """
    return [WORDS[byte] for byte in sha256(WORDS_TAG + secret).digest()[:6]]


def key_text(key: bytes) -> str:
    """Return the 52 characters, a to z and 2 to 7, that stand for a key of 32 bytes."""
    if len(key) != 32:
        raise ValueError(f"a key has 32 bytes, not {len(key)}")
    return b32encode(key).decode().rstrip("=").lower()


def device_text(key: bytes, incarnation: bytes) -> str:
    """Return the line that names a key and the data directory that it signs from: its log in any book follows.

    48 bytes and a sum of four, so that a letter read wrongly is found before a page names a log that nobody writes.
    """
    body = key + incarnation
    if len(key) != 32 or len(incarnation) != 16:
        raise ValueError("a device is a key of 32 bytes and an incarnation of 16")
    text = b32encode(body + sha256(DEVICE_TAG + body).digest()[:4]).decode().rstrip("=").lower()
    return "-".join(text[at : at + 12] for at in range(0, len(text), 12))


def parse_device(text: str) -> tuple[Key, bytes]:
    """Return the key and incarnation that a line of `device_text` says; case, spaces and dashes do not matter.

    Raises NotAKey.
    """
    letters = "".join(text.replace("-", " ").split()).upper()
    wrong = sorted(set(letters) - set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
    if wrong:
        raise NotAKey(f"{wrong[0]!r} does not occur in it, only a to z and 2 to 7")
    if len(letters) != DEVICE_TEXT_LENGTH:
        raise NotAKey(
            f"it has {len(letters)} letters, the line of a key and its device has {DEVICE_TEXT_LENGTH}"
        )
    said = b32decode(letters + "=" * (-len(letters) % 8))
    body, check = said[:48], said[48:]
    # The last letter carries one bit of the sum; the others are zero, so that a device has one text only.
    same = b32encode(said).decode().rstrip("=") == letters
    if not same or sha256(DEVICE_TAG + body).digest()[:4] != check:
        raise NotAKey("a letter of it is wrong")
    return Key(body[:32]), body[32:]


def parse_key(text: str) -> Key:
    """Return the key that `text` stands for; spaces and the letters' case do not matter. Raises NotAKey.

    Says nothing about whether the 32 bytes are a key that records may be signed with.
    """
    letters = "".join(text.split()).upper()
    wrong = sorted(set(letters) - set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
    if wrong:
        raise NotAKey(f"{wrong[0]!r} does not occur in keys, only a to z and 2 to 7")
    if len(letters) != KEY_TEXT_LENGTH:
        raise NotAKey(f"it has {len(letters)} characters, a key has {KEY_TEXT_LENGTH}")
    key = b32decode(letters + "====")
    # The last character carries one bit of the key; the others are zero, so that a key has one text only.
    if b32encode(key).decode().rstrip("=") != letters:
        raise NotAKey("its last character is wrong")
    return Key(key)
