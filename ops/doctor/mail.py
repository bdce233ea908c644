"""Checks of mail: the Communication Services resource, the domain linked to it, the sender."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from ops.doctor.arm import Json
from ops.doctor.finding import CannotLookError, Finding, failed, ok, warning
from ops.doctor.look import MAIL, Look
from ops.doctor.remedies import DEPLOY, az, setting, update

#: What the owner of a domain proves by DNS records before mail of it is sent.
PROOFS = ("Domain", "SPF", "DKIM", "DKIM2")


def resource(look: Look) -> Json:
    """Return the Communication Services resource of MAIL_ENDPOINT. Raises CannotLookError."""
    host = urlsplit(look.setting("MAIL_ENDPOINT")).hostname or ""
    for one in look.arm.listed(f"{look.subscription}/providers/Microsoft.Communication/communicationServices", MAIL):
        if str(one["properties"].get("hostName") or "").casefold() == host:
            return one
    problem = f"no Communication Services resource that your login sees in the app's subscription is {host}"
    raise CannotLookError(problem, "is MAIL_ENDPOINT right? Else your login needs the role Reader on the resource")


def keys(look: Look) -> Iterator[Finding]:
    """Look for the resource, and whether its keys open it."""
    found = resource(look)
    if found["properties"].get("disableLocalAuth") is not True:
        told = f"the keys of {found['name']} open it (disableLocalAuth): nothing here needs them"
        yield warning(told, update(str(found["id"]), "properties.disableLocalAuth=true"))
    else:
        yield ok(f"{found['name']}, without keys")


def domain(look: Look) -> Iterator[Finding]:
    """Look whether the sender's domain is linked to the resource, and verified."""
    wanted = _sender(look)[1]
    found = _domain(look)
    if found is None:
        own = resource(look)
        told = f"no domain {wanted} is linked to {own['name']}: every mail is refused"
        yield failed(told, az("communication", "update", "--ids", str(own["id"]), "--linked-domains", "<DOMAIN ID>"))
        return
    states = found["properties"].get("verificationStates") or {}
    open_ = [proof for proof in PROOFS if (states.get(proof) or {}).get("status") != "Verified"]
    if open_:
        told = f"{wanted} is not verified: {', '.join(open_)}; mail is refused, or taken for spam"
        _, _, _, _, group, _, _, _, service, _, name = str(found["id"]).split("/")
        where = ("--resource-group", group, "--email-service-name", service, "--domain-name", name)
        words = ("communication", "email", "domain", "initiate-verification", *where)
        yield failed(told, az(*words, "--verification-type", open_[0]))
    else:
        yield ok(f"{wanted} is linked and verified")


def sender(look: Look) -> Iterator[Finding]:
    """Look whether the sender is one of the domain."""
    user, host = _sender(look)
    found = _domain(look)
    if found is None:
        raise CannotLookError(f"the domain {host} is not linked", "see check mail-domain")
    users = look.arm.listed(f"{found['id']}/senderUsernames", MAIL)
    names = {str(one["properties"].get("username") or one["name"]).casefold() for one in users}
    if user.casefold() in names:
        yield ok(f"{user}@{host}")
    else:
        told = f"{host} has no sender {user}: every mail is refused; it has {', '.join(sorted(names)) or 'none'}"
        known = f"<one of them>@{host}"
        yield failed(told, setting(look.app, "MAIL_SENDER", known) if names else DEPLOY)


def _sender(look: Look) -> tuple[str, str]:
    user, _, host = look.setting("MAIL_SENDER").rpartition("@")
    return user, host


def _domain(look: Look) -> Json | None:
    host = _sender(look)[1].casefold()
    for one in resource(look)["properties"].get("linkedDomains") or ():
        found = look.arm.get(str(one), MAIL)
        names = {
            str((found or {}).get("properties", {}).get(key) or "").casefold()
            for key in ("mailFromSenderDomain", "fromSenderDomain")
        }
        if found is not None and host in names:
            return found
    return None
