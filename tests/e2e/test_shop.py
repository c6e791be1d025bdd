"""`crawlery shop`: something to try recipes on."""

import signal


def test_the_shop_prints_its_address_and_ends_with_ctrl_c(workplace, wait_for):
    with workplace.running("shop", "--port", "0", "--products", "20") as (process, seen):
        wait_for(lambda: "http://127.0.0.1:" in "".join(seen))
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0


def test_a_port_that_is_taken_is_refused(workplace, shop):
    port = shop.url.rpartition(":")[2]
    assert "--port 0 takes a free one" in workplace.crawlery("shop", "--port", port, code=2)
