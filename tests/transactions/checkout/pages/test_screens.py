"""The screens as a browser without JavaScript walks them: what they show, refuse, and never do twice."""

from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.test import Client

from gateway.models import Gateway
from tests import make
from tests.flows import stage
from tests.transactions.checkout.conftest import Shop, Visit
from transactions.checkout import browser_binding
from transactions.models import Batch, CheckoutSession, Order
from transactions.queries import selectors

INFY = {"ticker": "INFY", "quantity": 10, "type": "BUY"}
TCS = {"ticker": "TCS", "quantity": 5, "type": "SELL"}
LIMIT = {**INFY, "orderType": "LIMIT", "price": 1100}


class TestAnyScreen:
    def test_tells_the_browser_what_it_may_do(self, shop: Shop, visit: Visit) -> None:
        Gateway.objects.update(allowed_origins=[make.SHOP, "https://m.shop.example"])

        headers = visit.see().headers

        assert headers["Content-Security-Policy"] == (
            "default-src 'none'; frame-ancestors https://shop.example https://m.shop.example; script-src 'self'; "
            "style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'"
        )
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Cross-Origin-Opener-Policy"] == "unsafe-none"
        assert "X-Frame-Options" not in headers

    def test_is_framed_by_nobody_where_nobody_is_allowed(self, shop: Shop, visit: Visit) -> None:
        Gateway.objects.update(allowed_origins=[])

        assert "frame-ancestors 'none';" in visit.see()["Content-Security-Policy"]

    def test_lets_the_partners_logo_in_and_the_way_back_out(self, shop: Shop) -> None:
        made = shop.partner.create(config={"orderName": "Mine", "orderLogo": "https://cdn.example/logo.png?x=1"})
        visit = shop.open(made, mode="redirect", redirectUrl="https://shop.example/back")

        policy = visit.see()["Content-Security-Policy"]

        assert "img-src 'self' https://cdn.example;" in policy
        assert "form-action 'self' https://shop.example;" in policy

    def test_of_a_hostile_logo_stays_in_its_directive(self, shop: Shop) -> None:
        made = shop.partner.create(config={"orderLogo": "https://a;sandbox/logo.png"})

        assert "sandbox" not in shop.open(made).see()["Content-Security-Policy"]

    def test_sets_no_cookie(self, visit: Visit) -> None:
        visit.log_in()
        visit.confirm()

        assert dict(visit.client.cookies) == {}

    def test_holds_no_script_style_or_handler_of_its_own(self, visit: Visit) -> None:
        pages = [visit.text(), visit.log_in(), visit.text()]

        for page in pages:
            assert (
                page.count("<script") == page.count('<script src="/static/checkout/checkout.js" defer></script>') == 1
            )
            assert " style=" not in page
            assert not [word for word in ("onclick=", "onload=", "javascript:", "<style") if word in page]

    def test_renders_what_others_wrote_as_text(self, shop: Shop) -> None:
        evil = '"><script>alert(1)</script>{{ 7 }}'
        visit = shop.open(shop.partner.create(config={"orderName": evil[:80]}))

        texts = [visit.text(q=evil), visit.log_in(), visit.text()]

        assert not any("<script>alert" in text for text in texts)
        assert "&lt;script&gt;alert(1)" in texts[0]

    def test_takes_no_form_from_another_site(self, visit: Visit) -> None:
        answer = visit.client.post(visit.path + "leave", headers={"Sec-Fetch-Site": "cross-site"})

        assert answer.status_code == 404
        assert visit.transaction.status == "INITIALIZED"

    @pytest.mark.parametrize("action", ["broker", "no-broker", "login", "confirm", "leave", "mark-complete"])
    def test_that_only_takes_forms_leads_back_to_where_the_user_is(self, visit: Visit, action: str) -> None:
        answer = visit.see(action)

        assert (answer.status_code, answer["Location"]) == (303, visit.path)

    def test_of_no_session_is_a_page_and_no_envelope(self, db: None) -> None:
        answer = Client().get(f"/checkout/s/{'x' * 43}/")

        assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")
        assert "Link not found" in answer.content.decode()

    def test_without_a_database_is_a_page_too(self, visit: Visit) -> None:
        with patch.object(selectors, "session_at", side_effect=OperationalError("gone")):
            answer = visit.see()

        assert answer.status_code == 503
        assert "Something went wrong on our side" in answer.content.decode()

    def test_of_a_crash_is_a_page_too(self, visit: Visit) -> None:
        with patch.object(selectors, "session_at", side_effect=ZeroDivisionError):
            answer = visit.see()

        assert (answer.status_code, "Something went wrong" in answer.content.decode()) == (500, True)


class TestTheChooser:
    def test_lists_the_brokers_that_can_do_it(self, shop: Shop) -> None:
        page = shop.open(shop.partner.create([LIMIT])).text()

        assert [name for name in ("5paisa", "Groww", "Zerodha", "Upstox") if f"<b>{name}</b>" in page] == [
            "5paisa",
            "Groww",
            "Zerodha",
        ]

    def test_searches_without_javascript(self, visit: Visit) -> None:
        page = visit.text(q=" groW ")

        assert page.count('<li data-name="') - page.count("hidden><button name=") == 1
        assert 'data-name="groww groww"><button' in page

    def test_says_when_nothing_matches(self, visit: Visit) -> None:
        assert "No broker matches “nowhere”" in visit.text(q="nowhere")

    def test_says_when_there_is_nothing_to_choose(self, shop: Shop) -> None:
        page = shop.open(shop.partner.create([LIMIT]), brokers=["upstox"]).text()

        assert "No broker can take this order" in page

    def test_takes_no_broker_that_it_does_not_show(self, shop: Shop) -> None:
        visit = shop.open(shop.partner.create([LIMIT]))

        visit.send("broker", broker="upstox")

        assert "Choose your broker" in visit.text()

    def test_has_a_screen_for_those_who_find_theirs_not(self, visit: Visit) -> None:
        visit.send("no-broker")

        assert "Your broker is not available yet" in visit.text()
        visit.send("leave", reason="wants-account")
        assert visit.transaction.error_code == 1007


class TestTheLogin:
    def test_of_a_connected_user_comes_first(self, shop: Shop) -> None:
        auth_id = stage.connected(shop.partner, "happy-mine")
        page = shop.open(shop.partner.create(auth_id=auth_id), auth_id=auth_id).text()

        assert "Log in to Zerodha" in page
        assert "happy-mine" not in page
        assert "Use another broker" not in page

    def test_says_how_many_tries_are_left(self, visit: Visit) -> None:
        page = visit.log_in("login-fails")

        assert "Client id and PIN do not match." in page
        assert "4 attempts left." in page

    def test_locks_out_after_five(self, visit: Visit) -> None:
        for _ in range(5):
            visit.log_in("login-fails")

        assert "Too many wrong PINs" in visit.text()
        assert "Too many wrong PINs" in visit.log_in("happy")
        assert visit.transaction.status == "INITIALIZED"

    def test_keeps_the_client_id_in_its_field_and_never_the_pin(self, visit: Visit) -> None:
        visit.send("broker", broker="kite")

        page = visit.send("login", client_id="login-fails-4711", pin="9182736455").content.decode()

        assert 'value="login-fails-4711"' in page
        assert "9182736455" not in page

    @pytest.mark.parametrize("form", [{}, {"client_id": "happy"}, {"client_id": "a b", "pin": "1"}, {"pin": "1"}])
    def test_asks_for_what_is_missing(self, visit: Visit, form: dict[str, str]) -> None:
        visit.send("broker", broker="kite")

        page = visit.send("login", **form).content.decode()

        assert "Enter your client id and PIN." in page
        assert visit.session.pin_attempts == 0

    @pytest.mark.parametrize("form", [{}, {"client_id": "happy", "pin": "1"}])
    def test_before_a_broker_is_chosen_leads_back_to_the_choice(self, visit: Visit, form: dict[str, str]) -> None:
        answer = visit.send("login", **form)

        assert (answer.status_code, answer["Location"]) == (303, visit.path)
        assert visit.transaction.status == "INITIALIZED"

    def test_offers_test_accounts_on_test_gateways_only(self, shop: Shop, visit: Visit) -> None:
        Gateway.objects.update(is_test=False)
        visit.send("broker", broker="kite")

        assert "Test accounts" not in visit.text()
        assert "Enter your client id and PIN." in visit.send("login", account="happy").content.decode()

    def test_to_another_account_ends_with_1001(self, shop: Shop) -> None:
        auth_id = stage.connected(shop.partner, "happy-mine")
        visit = shop.open(shop.partner.create(auth_id=auth_id), auth_id=auth_id)

        page = visit.log_in("happy-theirs")

        assert "Different account" in page
        assert visit.transaction.error_code == 1001

    @pytest.mark.usefixtures("now")
    @pytest.mark.parametrize(
        ("moment", "sentences"),
        [
            (
                "2026-11-20T10:05:00Z",
                ["Mon 23 Nov, 09:15 IST", "accepts after-market orders from: Fri 20 Nov, 15:45 IST"],
            ),
            ("2026-11-23T03:30:00Z", ["Mon 23 Nov, 09:15 IST"]),
        ],
    )
    def test_between_the_session_and_the_amo_window_says_when_orders_are_accepted(
        self, shop: Shop, moment: str, sentences: list[str]
    ) -> None:
        """At 15:35 and at 09:00 IST."""
        shop.partner.hours("nse")
        shop.partner.call("POST", "/sandbox/{gateway}/clock", {"set": moment})
        visit = shop.open(shop.partner.create(), amo=True)

        page = visit.log_in()

        assert "The market is closed" in page
        assert [sentence for sentence in sentences if sentence not in page] == []
        assert page.count("after-market orders from") == len(sentences) - 1
        assert (visit.transaction.status, visit.transaction.error_code) == ("ERRORED", 4004)

    def test_while_the_market_is_closed_says_when_it_opens(self, shop: Shop, visit: Visit) -> None:
        shop.partner.hours("closed")

        page = visit.log_in()

        assert "The market is closed" in page
        assert visit.transaction.error_code == 4004


class TestTheConfirmation:
    def test_shows_each_order_and_its_value(self, shop: Shop) -> None:
        shop.partner.call("PUT", "/sandbox/{gateway}/prices/INFY", {"price": 12345.7})
        page = shop.open(shop.partner.create([INFY])).log_in()

        assert "₹1,23,457.00" in page
        assert "10 shares · Market, about ₹12,345.70" in page
        assert "If a price moves more than 1%" in page

    def test_shows_a_limit(self, shop: Shop) -> None:
        assert "Limit ₹1,100.00" in shop.open(shop.partner.create([LIMIT])).log_in(broker="groww")

    def test_places_what_was_shown_once(self, visit: Visit) -> None:
        page = visit.log_in()
        form = {"action": "confirm", "shown": visit.shown(page)}

        first, second = visit.send("confirm", **form), visit.send("confirm", **form)

        assert (first.status_code, second.status_code) == (303, 303)
        assert Batch.objects.count() == 1
        shown = visit.session.quoted_order
        assert shown is not None
        assert shown["orders"] == [["INFY", "BUY", 10], ["TCS", "SELL", 5]]

    def test_places_nothing_that_it_did_not_show(self, visit: Visit) -> None:
        visit.log_in()

        page = visit.confirm(shown="forged").content.decode()

        assert "The order was updated" in page
        assert not Batch.objects.exists()

    def test_places_nothing_that_another_session_was_shown(self, shop: Shop, visit: Visit) -> None:
        other = shop.open(shop.partner.create())
        visit.log_in()

        page = visit.confirm(shown=other.shown(other.log_in("happy-other"))).content.decode()

        assert "The order was updated" in page
        assert not Batch.objects.exists()

    def test_asks_again_when_prices_have_left_the_band(self, shop: Shop, visit: Visit) -> None:
        stage.pinned(shop.partner, "INFY", 1000)
        visit.log_in()
        shown = visit.shown()
        stage.pinned(shop.partner, "INFY", 1010.1)

        page = visit.confirm(shown=shown).content.decode()

        assert "Prices have moved" in page
        assert "INFY: ₹1,000.00, now ₹1,010.10" in page
        assert not Batch.objects.exists()
        assert visit.confirm(shown=visit.shown(page)).status_code == 303

    def test_continues_while_prices_stay_within_it(self, shop: Shop, visit: Visit) -> None:
        stage.pinned(shop.partner, "INFY", 1000)
        visit.log_in()
        shown = visit.shown()
        stage.pinned(shop.partner, "INFY", 1010)

        visit.confirm(shown=shown)

        assert Batch.objects.count() == 1

    def test_asks_for_sides_and_quantities(self, shop: Shop) -> None:
        visit = shop.open(shop.partner.create([{"ticker": "INFY"}, {"ticker": "TCS"}]))
        assert "Complete your selections to see the orders." in visit.log_in()

        form = {"quantity-INFY": "3", "side-INFY": "BUY", "quantity-TCS": "0", "side-TCS": "SELL"}
        wrong = visit.send("confirm", action="update", **form).content.decode()
        right = visit.send("confirm", action="update", **{**form, "quantity-TCS": "2"}).content.decode()
        done = visit.send("confirm", action="confirm", shown=visit.shown(right), **{**form, "quantity-TCS": "2"})

        assert "Enter a whole number of shares." in wrong
        assert done.status_code == 303
        assert list(Order.objects.order_by("pk").values_list("ticker", "side", "quantity")) == [
            ("INFY", "BUY", 3),
            ("TCS", "SELL", 2),
        ]

    def test_shows_again_what_was_changed_without_an_update(self, shop: Shop) -> None:
        visit = shop.open(shop.partner.create([{"ticker": "INFY", "type": "BUY"}]))
        shown = visit.shown(visit.log_in())

        answer = visit.send("confirm", action="confirm", shown=shown, **{"quantity-INFY": "5"})

        page = answer.content.decode()
        assert "The order was updated" in page
        assert "5 shares" in page
        assert not Batch.objects.exists()

    def test_stops_at_low_funds_until_confirmed(self, shop: Shop) -> None:
        visit = shop.open(shop.partner.create([INFY]))
        page = visit.log_in("low-funds")
        shown = visit.shown(page)

        assert "Not enough funds" in page
        assert "Nothing was placed yet" in visit.confirm(shown=shown).content.decode()
        assert not Batch.objects.exists()
        assert visit.confirm(shown=shown, anyway="1").status_code == 303
        assert Batch.objects.count() == 1

    def test_says_what_cannot_be_sold_and_ends_with_1004(self, shop: Shop) -> None:
        visit = shop.open(shop.partner.create([TCS]))
        page = visit.log_in("no-holdings")

        assert "0 of 5 available" in page
        visit.confirm(shown=visit.shown(page))
        assert visit.transaction.error_code == 1004
        assert not Batch.objects.exists()

    def test_waits_for_the_open_where_amo_is_wanted(self, shop: Shop) -> None:
        shop.partner.hours("closed")
        visit = shop.open(shop.partner.create([INFY]), amo=True)

        page = visit.log_in()

        assert "The market is closed" in page
        visit.confirm(shown=visit.shown(page))
        assert Batch.objects.get().variety == "amo"
        assert "Waiting for the market to open" in visit.text()

    def test_ends_when_the_time_is_over(self, shop: Shop, visit: Visit) -> None:
        visit.log_in()
        shown = visit.shown()
        shop.partner.advance("PT16M")

        assert visit.confirm(shown=shown).status_code == 303
        assert "Time is up" in visit.text()
        assert visit.transaction.error_code == 1005
        assert not Batch.objects.exists()

    def test_of_a_replaced_session_marks_nothing_complete(self, shop: Shop) -> None:
        visit = shop.open(shop.partner.create_smallcase("BUY", scid=make.smallcase().scid, amount=300_000))
        visit.log_in("partial")
        visit.confirm()
        make.sweep()
        assert Batch.objects.get().status == "PARTIALLYFILLED"
        CheckoutSession.objects.update(is_replaced=True, ended_at=visit.session.created_at)

        visit.send("mark-complete")

        assert Batch.objects.get().status == "PARTIALLYFILLED"

    def test_of_a_replaced_session_places_nothing(self, shop: Shop, visit: Visit) -> None:
        visit.log_in()
        shown = visit.shown()
        CheckoutSession.objects.update(is_replaced=True, ended_at=visit.session.created_at)

        assert visit.confirm(shown=shown).status_code == 303
        assert "Continued in another window" in visit.text()
        assert not Batch.objects.exists()


class TestAnErrand:
    def test_is_consented_to(self, shop: Shop) -> None:
        made = shop.partner.call("POST", "/gateway/{gateway}/transaction", {"intent": "FETCH_FUNDS"}).data
        visit = shop.open(made["transactionId"])

        assert "Share your available funds?" in visit.log_in()
        visit.send("confirm", action="confirm")

        assert "Funds shared" in visit.text()
        assert shop.outcome(visit).data["response"]["funds"] == 500_000

    def test_is_denied(self, shop: Shop) -> None:
        made = shop.partner.call("POST", "/gateway/{gateway}/transaction", {"intent": "HOLDINGS_IMPORT"}).data
        visit = shop.open(made["transactionId"])
        visit.log_in()

        visit.send("leave", reason="denied")

        assert visit.transaction.error_code == 1003

    def test_to_connect_is_done_with_the_login(self, shop: Shop) -> None:
        made = shop.partner.call("POST", "/gateway/{gateway}/transaction", {"intent": "CONNECT"}).data
        visit = shop.open(made["transactionId"])

        assert "You are connected" in visit.log_in()
        assert visit.transaction.status == "COMPLETED"

    def test_to_cancel_names_the_order(self, shop: Shop) -> None:
        batch = stage.placed(shop.partner, "slow")
        auth_id = str(shop.partner.details(batch["transactionId"])["smallcaseAuthId"])
        order_request = stage.wish_to_cancel(shop.partner, batch, "TCS", auth_id=auth_id).data["transactionId"]
        visit = shop.open(order_request, auth_id=auth_id)

        page = visit.log_in("slow")
        visit.send("confirm", action="confirm")

        assert "Cancel this order?" in page
        assert "<b>TCS</b>" in page
        assert "<b>INFY</b>" not in page
        assert Order.objects.get(ticker="TCS").cancelled_by == visit.transaction


class TestTheStatus:
    def test_is_sent_again_only_when_it_changed(self, shop: Shop, visit: Visit) -> None:
        visit.log_in("slow")
        visit.confirm()
        first = visit.see("status")

        again = visit.client.get(visit.path + "status", headers={"If-None-Match": first["ETag"]})
        shop.partner.advance("PT13S")
        make.sweep()
        later = visit.client.get(visit.path + "status", headers={"If-None-Match": first["ETag"]})

        assert (first.status_code, again.status_code, later.status_code) == (200, 304, 200)

    def test_is_none_before_the_confirmation(self, visit: Visit) -> None:
        assert visit.see("status").status_code == 205

    @pytest.mark.parametrize(
        ("client_id", "headline"),
        [
            ("happy", "Orders filled"),
            ("partial", "Partly filled"),
            ("all-rejected", "Nothing was filled"),
            ("broker-down", "Not placed"),
            ("lost-contact", "Still checking with Zerodha"),
            ("partly-placed", "Partly filled"),
        ],
    )
    def test_says_how_it_ended(self, shop: Shop, client_id: str, headline: str) -> None:
        visit = shop.open(shop.partner.create([INFY, TCS]))
        visit.log_in(client_id)
        visit.confirm()
        for _ in range(3):
            shop.partner.advance("PT6S")
            make.sweep()

        assert f"<h1 data-headline>{headline}</h1>" in visit.text()

    def test_reloads_itself_without_javascript_while_orders_are_open(self, visit: Visit) -> None:
        visit.log_in("slow")
        visit.confirm()

        assert '<noscript><meta http-equiv="refresh" content="4"></noscript>' in visit.text()


class TestLeaving:
    def test_informs_only_the_page_that_opened_it(self, visit: Visit) -> None:
        page = visit.send("leave").content.decode()

        assert f'data-left="{make.SHOP}"' in page
        assert visit.transaction.error_code == 1010

    def test_in_redirect_mode_carries_the_transaction_and_the_result_code(self, shop: Shop) -> None:
        url = "https://shop.example/back?a=1&transactionId=old&resultCode=old#top"
        visit = shop.open(shop.partner.create(), mode="redirect", redirectUrl=url)
        page = visit.log_in()

        answer = visit.send("leave")

        code = browser_binding.result_code(visit.path.split("/")[3])
        named = f"a=1&transactionId={visit.transaction.transaction_id}&resultCode={code}"
        assert (answer.status_code, answer["Location"]) == (303, f"https://shop.example/back?{named}#top")
        assert answer["Referrer-Policy"] == "no-referrer"
        assert code not in page  # no page of ours needs it

    def test_in_redirect_mode_before_the_login_carries_no_code(self, shop: Shop) -> None:
        visit = shop.open(shop.partner.create(), mode="redirect", redirectUrl="https://shop.example/back")

        named = visit.transaction.transaction_id
        assert visit.send("leave")["Location"] == f"https://shop.example/back?transactionId={named}"


class TestTheSdksFiles:
    def test_are_for_pages_of_every_origin(self, client: Client) -> None:
        answer = client.get("/scdk/2.0.0/scdk.js")

        assert answer["Content-Type"] == "text/javascript; charset=utf-8"
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert client.get("/scdk/2.0.0/scdk.js", headers={"If-None-Match": answer["ETag"]}).status_code == 304

    def test_stay_small(self, client: Client) -> None:
        assert len(client.get("/scdk/2.0.0/scdk.js").content) < 20_000

    def test_come_with_declarations(self, client: Client) -> None:
        assert b"declare class scDK" in client.get("/scdk/2.0.0/scdk.d.ts").content

    def test_wait_for_nobody_in_a_frame(self, client: Client) -> None:
        answer = client.get("/scdk/2.0.0/opening")

        assert "frame-ancestors 'none';" in answer["Content-Security-Policy"]
        assert answer["Cross-Origin-Opener-Policy"] == "unsafe-none"
