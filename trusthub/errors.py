"""The errors a caller is meant to handle. Anything else is a bug and reaches the log as one."""


class TrusthubError(Exception):
    """Base of every error whose text may be shown to the person who caused it."""


class PayloadError(TrusthubError):
    """A body that is authentic but cannot be read. The text names the place in it and the cure; hooks answer 400."""


class UnknownEventError(TrusthubError):
    """An authentic event of a type that this version does not know. The text is the type; it is kept, and shown."""


class SignatureError(TrusthubError):
    """The sender could not be shown to be who it claims to be; the hook answers 401."""


class PlaybookError(TrusthubError):
    """A site, playbook, plan or template that cannot work.

    It is raised at start, never at three in the morning, and names file, line and cure.
    """

    def __init__(self, message: str, *, file: str = "", line: int = 0) -> None:
        self.file, self.line = file, line
        super().__init__(f"{file}:{line}: {message}" if file else message)


class WordingError(TrusthubError):
    """A message that may not leave as it is worded."""


class DeliveryError(TrusthubError):
    """A provider did not take a message.

    `permanent` means that trying again cannot help; `retry_after` is the provider's own wish, in seconds, for this
    destination or, with `everywhere`, for all that the channel reaches. `ambiguous` means that the provider may have
    taken the message although no answer came.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        retry_after: float | None = None,
        status: int | None = None,
        ambiguous: bool = False,
        everywhere: bool = False,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after
        self.status = status
        self.ambiguous = ambiguous
        self.everywhere = everywhere
