"""The client that openapi-python-client makes from the document talks to a running service."""

import os
import time
from datetime import datetime, timezone

from wardline_api import AuthenticatedClient, Client
from wardline_api.api.accounts import accounts_login
from wardline_api.api.messages import messages_history, messages_send
from wardline_api.api.sessions import sessions_open_private
from wardline_api.api.users import users_list
from wardline_api.models import (
    CreatePrivateRequest,
    Failure,
    FailureCode,
    LoginRequest,
    SendMessageRequest,
    UserRole,
    UsersListRole,
)

ADDRESS = os.environ["WARDLINE_URL"]


def main() -> None:
    login = LoginRequest(username="nurse.zhang", password="wardline-demo")
    answer = accounts_login.sync(client=Client(base_url=ADDRESS), body=login)
    assert answer is not None and not isinstance(answer, Failure), answer
    me = answer.data.user
    assert me.role == UserRole.NURSE
    assert answer.data.expires_at > datetime.now(timezone.utc)
    client = AuthenticatedClient(base_url=ADDRESS, token=answer.data.token)

    found = users_list.sync(client=client, search="dr.wang", role=UsersListRole.DOCTOR)
    assert found is not None and not isinstance(found, Failure), found
    assert [user.username for user in found.data] == ["dr.wang"]
    assert found.pagination.total == 1

    pair = CreatePrivateRequest(user_id_1=me.field_id, user_id_2=found.data[0].field_id)
    opened = sessions_open_private.sync(client=client, body=pair)
    assert opened is not None and not isinstance(opened, Failure), opened
    session = opened.data.field_id

    content = f"from openapi-python-client {time.time()}"
    body = SendMessageRequest(session_id=session, sender_id=me.field_id, content=content)
    sent = messages_send.sync(client=client, body=body)
    assert sent is not None and not isinstance(sent, Failure), sent
    history = messages_history.sync(session, client=client, limit=10)
    assert history is not None and not isinstance(history, Failure), history
    newest = history.data[-1]
    assert (newest.field_id, newest.content) == (sent.data.field_id, content)

    refused = messages_history.sync("0" * 24, client=client)
    assert isinstance(refused, Failure) and refused.code == FailureCode.CONVERSATION_NOT_FOUND, refused


if __name__ == "__main__":
    main()
    print("1 passed, 0 failed")
