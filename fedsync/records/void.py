"""What a record is that breaks a rule of its kind: kept, relayed and shown with the reason, never refused.

Pure. Only bytes that are not a well-signed, canonical record are refused (`BadBlock`); what a record says is
judged here, so that an older or stricter node still carries what it does not let count.
"""


class Void(ValueError):
    """The record has no effect. Its author is at fault; a later record can say it right.

    `code` is stable and for programs, `sentence` is for people.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
