"""What a reader does with what it MUST refuse (section 1)."""


class Refused(Exception):
    """Something was refused; `rule` is the name of the rule that refused it, as the test vectors name it."""

    def __init__(self, rule: str, why: str = "") -> None:
        super().__init__(f"{rule}: {why}" if why else rule)
        self.rule = rule
