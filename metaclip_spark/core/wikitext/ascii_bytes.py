"""ASCII bytes that wikitext gives a meaning, by name."""

from __future__ import annotations

from typing import Final

NEW_LINE: Final = 10
SPACE: Final = 32
QUOTE: Final = 34
HASH: Final = 35
AMPERSAND: Final = 38
APOSTROPHE: Final = 39
STAR: Final = 42
DASH: Final = 45
SLASH: Final = 47
DIGIT_0, DIGIT_9 = 48, 57
COLON: Final = 58
SEMICOLON: Final = 59
LESS: Final = 60
EQUALS: Final = 61
GREATER: Final = 62
UPPER_A, UPPER_X, UPPER_Z = 65, 88, 90
OPEN_BRACKET: Final = 91
CLOSE_BRACKET: Final = 93
UNDERSCORE: Final = 95
LOWER_A, LOWER_F, LOWER_X, LOWER_Z = 97, 102, 120, 122
OPEN_BRACE: Final = 123
PIPE: Final = 124
CLOSE_BRACE: Final = 125
EXCLAMATION: Final = 33
