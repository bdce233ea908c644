"""Managed identity as an App Service offers it: tokens over loopback HTTP, for one known identity."""

import base64
import json
import re
import secrets
from http import HTTPStatus

from local.azure.clock import now
from local.azure.messages import Answer, Request, error

TENANT = "72f0a1c4-0000-4000-8000-00000000a2d1"
#: Client id of the user-assigned identity that exists.
CLIENT_ID = "3d5c9b1e-0000-4000-8000-00000000c11d"
LIFETIME = 24 * 3600  # seconds; what App Service gives managed identities
PATH = "/msi/token"


class Identity:
    """The token endpoint. `header` is the secret that proves the caller to be the app itself."""

    hosts = re.compile(r"127\.0\.0\.1|localhost")

    def __init__(self) -> None:
        self.header = secrets.token_hex(16)

    def answer(self, request: Request) -> Answer | None:
        """A token for the resource asked for; 401 for a wrong header, 400 for an identity that is not there."""
        if request.method != "GET" or request.path != PATH:
            return None
        query = request.query
        if request.headers.get("x-identity-header") != self.header:
            return Answer(status=HTTPStatus.UNAUTHORIZED, body={"statusCode": 401, "message": "Unauthorized"})
        if "resource" not in query or "api-version" not in query:
            return _refused("resource and api-version are needed")
        if query.get("client_id", CLIENT_ID) != CLIENT_ID:
            return _refused("No User Assigned or Delegated Managed Identity found for the client id.")
        resource = query["resource"]
        expires = int(now().timestamp()) + LIFETIME
        return Answer(
            status=HTTPStatus.OK,
            body={
                "access_token": token(resource, expires),
                "expires_on": str(expires),
                "resource": resource,
                "token_type": "Bearer",
                "client_id": CLIENT_ID,
            },
        )


def token(resource: str, expires: int) -> str:
    """A decodable JWT for *resource* until *expires* (epoch seconds); nobody checks its signature."""
    claims = {"aud": resource.rstrip("/"), "tid": TENANT, "appid": CLIENT_ID, "oid": CLIENT_ID, "exp": expires}
    parts = (json.dumps({"alg": "RS256", "typ": "JWT"}), json.dumps(claims), "not a signature")
    return ".".join(base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts)


def audience(jwt: str) -> str:
    """The resource that *jwt* is for; an empty string when it is no token."""
    try:
        middle = jwt.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
        return str(claims["aud"])
    except (IndexError, ValueError, KeyError, TypeError):
        return ""


def refusal(request: Request, *audiences: str) -> Answer | None:
    """The 401 for a request without a bearer token for one of *audiences*; None when it has one."""
    challenge = f'Bearer authorization_uri="https://login.windows.net/{TENANT}", error="invalid_token"'
    if not request.bearer:
        return error(401, "AuthenticationFailed", "The 'Authorization' header is missing.", WWW_Authenticate=challenge)
    if audience(request.bearer) not in audiences:
        return error(
            401,
            "InvalidAuthenticationTokenAudience",
            f"The access token is for another audience than {' or '.join(audiences)}.",
            WWW_Authenticate=challenge,
        )
    return None


def _refused(message: str) -> Answer:
    return Answer(status=HTTPStatus.BAD_REQUEST, body={"statusCode": 400, "message": message})
