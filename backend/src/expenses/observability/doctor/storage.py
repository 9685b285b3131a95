"""Checks the storage of receipts, with a small file that is gone afterwards."""

from obstore.exceptions import PermissionDeniedError, UnauthenticatedError

from expenses.errors import StorageUnavailable
from expenses.observability.doctor.findings import Finding
from expenses.receipts.storage import default_folder, open_storage
from expenses.settings import Settings

_VARIABLES = {
    "s3": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL",
    "gs": "GOOGLE_SERVICE_ACCOUNT_KEY",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}


async def check_storage(settings: Settings, *, workers: int) -> list[Finding]:
    url, folder = settings.storage_url, default_folder(settings)
    if url is None and not folder.exists():
        return [Finding("ok", f"Receipts are kept in {folder}, which the server creates.")]
    # Without user and password, which do not belong there.
    place = str(folder) if url is None else f"{url.scheme}://{url.host or ''}{url.path or ''}"
    try:
        await open_storage(settings).try_out()
    except StorageUnavailable as error:
        problem = _problem(error.__cause__, "file" if url is None else url.scheme)
        return [Finding("problem", f"The storage of receipts, {place}, cannot be used: {problem}")]
    is_folder = url is None or url.scheme == "file"
    others = " All processes have to see this same folder." if is_folder and workers > 1 else ""
    found = f"Receipts are kept in {place}: a file was written, read and deleted there.{others}"
    return [Finding("ok", found)]


def _problem(error: BaseException | None, scheme: str) -> str:
    if scheme == "file":
        return "let the server's user write there, or set STORAGE_URL or DATA_DIR."
    if isinstance(error, UnauthenticatedError | PermissionDeniedError):
        return f"it refuses these keys. Check {_VARIABLES[scheme]}."
    if isinstance(error, FileNotFoundError):
        return "there is no such bucket. Create it, or correct STORAGE_URL."
    return f"it does not answer as expected. Check STORAGE_URL, {_VARIABLES[scheme]}."
