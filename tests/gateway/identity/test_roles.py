"""Three groups with exactly their permissions, whatever happened to them."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from gateway.identity.roles import AUDITORS, GRANTS, MANAGERS, OURS, SUPPORT

pytestmark = pytest.mark.django_db
# What its holder changes something with.
ACTS = {
    SUPPORT: {
        "change_delivery",
        "change_endpoint",
        "mark_complete",
        "reconcile_order",
        "approve_correction",
        "approve_rebalance",
        "probe_broker",
    },
    MANAGERS: {"add_version"},
    AUDITORS: set[str](),
}


def held(role: str) -> set[str]:
    return set(Group.objects.get(name=role).permissions.values_list("codename", flat=True))


def of_all() -> dict[str, set[str]]:
    return {role: held(role) for role in GRANTS}


@pytest.mark.parametrize("role", GRANTS)
def test_a_role_may_do_what_it_is_for_and_no_more(role: str) -> None:
    assert {codename for codename in held(role) if not codename.startswith("view_")} == ACTS[role]


def test_support_reads_all_but_the_trail_and_the_users() -> None:
    ours = Permission.objects.filter(content_type__app_label__in=OURS, codename__startswith="view_")
    everything = set(ours.values_list("codename", flat=True))
    reads = {codename for codename in held(SUPPORT) if codename.startswith("view_")}

    assert everything - reads == {"view_auditentry", "view_idempotentrequest"}
    assert reads <= everything


def test_managers_read_no_investment() -> None:
    assert not held(MANAGERS) & {"view_investment", "view_investmentfill", "view_sip", "view_account", "view_order"}


def test_auditors_read_the_trail() -> None:
    assert {"view_auditentry", "view_user", "view_order", "view_investment"} < held(AUDITORS)


def test_what_was_taken_away_or_added_is_put_right_by_migrate() -> None:
    before = of_all()
    Group.objects.get(name=SUPPORT).permissions.clear()
    Group.objects.get(name=AUDITORS).permissions.add(Permission.objects.get(codename="change_batch"))
    Group.objects.get(name=MANAGERS).delete()

    call_command("migrate", verbosity=0)

    assert of_all() == before


def test_a_settled_role_is_left_alone(django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(200) as queries:
        call_command("migrate", verbosity=0)

    links = [query["sql"] for query in queries if "auth_group_permissions" in query["sql"]]
    assert not [sql for sql in links if not sql.startswith("SELECT")]


def test_other_groups_are_nobodys_business() -> None:
    own = Group.objects.create(name="Night shift")
    own.permissions.add(Permission.objects.get(codename="change_batch"))

    call_command("migrate", verbosity=0)

    assert held("Night shift") == {"change_batch"}


@pytest.mark.django_db(transaction=True)
def test_roles_come_back_after_a_flush() -> None:
    before = of_all()

    call_command("flush", interactive=False, verbosity=0)

    assert of_all() == before
