"""A deliberately simple matcher: lists, no index, exact decimals.

It follows the rules of price-time priority as they are written, one sorted
list a side, and is the oracle of rk.orderbook_matching.
"""
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass
class Order:
    id: int
    side: str
    type: str
    tif: str
    price: Decimal | None
    quantity: Decimal
    leaves: Decimal
    display: Decimal | None
    stop: Decimal | None
    minimum: Decimal | None
    post_only: bool
    trader: int
    group: int
    expires: int | None
    age: int
    shown: Decimal = Decimal(0)
    cum: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    status: str = "new"
    reason: str = "none"


@dataclass
class Book:
    """One symbol with a tick of 0.01 and no other rules than the defaults."""
    stp: str = "cancel_newest"
    phase: str = "continuous"
    queue: list = field(default_factory=list)       # resting orders, oldest first
    stops: list = field(default_factory=list)
    live: dict = field(default_factory=dict)
    all: list = field(default_factory=list)
    trades: list = field(default_factory=list)
    last: Decimal | None = None
    age: int = 0

    # ---- looking ----

    def resting(self, side):
        """Orders of a side in the order in which they are served."""
        sign = -1 if side == "buy" else 1
        return sorted((o for o in self.queue if o.side == side),
                      key=lambda o: (o.price is not None, sign * (o.price or 0)))

    @staticmethod
    def crosses(order, price):
        return order.price is None or price is None or (
            price <= order.price if order.side == "buy" else price >= order.price)

    def other(self, order):
        return [o for o in self.resting("sell" if order.side == "buy" else "buy") if self.crosses(order, o.price)]

    # ---- the life of an order ----

    def end(self, order, status, reason):
        order.status, order.reason, order.shown = status, reason, Decimal(0)
        self.live.pop(order.id, None)
        if order in self.queue:
            self.queue.remove(order)
        if order in self.stops:
            self.stops.remove(order)

    def executable(self, order, wanted):
        for o in self.other(order):
            if o.group == order.group and order.group and self.stp != "none":
                if self.stp in ("cancel_newest", "cancel_both", "decrement"):
                    break
                continue
            wanted -= o.leaves
        return wanted <= 0

    def trade(self, taker, maker, price, quantity, aggressor):
        for o in (taker, maker):
            o.leaves -= quantity
            o.cum += quantity
            o.paid += price * quantity
            o.status = "partially_filled" if o.leaves else "filled"
        self.last = price
        self.trades.append((taker.id, maker.id, price, quantity, aggressor))

    def enter(self, order):
        """Matches an order; returns the prices of its trades."""
        caused = []
        if self.phase == "auction":
            self.rest(order)
            return caused
        if order.post_only and self.other(order):
            self.end(order, "canceled", "post_only_would_trade")
            return caused
        if order.tif == "fok" and not self.executable(order, order.leaves):
            self.end(order, "canceled", "fok_unfilled")
            return caused
        if order.minimum is not None:
            minimum, order.minimum = order.minimum, None
            if not self.executable(order, minimum):
                self.end(order, "canceled", "min_quantity_unfilled")
                return caused
        passed = set()
        while order.leaves:
            maker = next((o for o in self.other(order) if o.id not in passed), None)
            if maker is None:
                break
            if self.stp != "none" and order.group and maker.group == order.group:
                if self.stp == "skip":
                    passed.add(maker.id)
                    continue
                if self.stp == "decrement":
                    less = min(order.leaves, maker.leaves)
                    for o in (maker, order):
                        o.leaves -= less
                        o.quantity -= less
                    maker.shown = min(maker.shown, maker.leaves)
                    if not maker.leaves:
                        self.end(maker, "canceled", "self_trade")
                    if not order.leaves:
                        self.end(order, "canceled", "self_trade")
                        return caused
                    continue
                if self.stp != "cancel_newest":
                    self.end(maker, "canceled", "self_trade")
                if self.stp != "cancel_oldest":
                    self.end(order, "canceled", "self_trade")
                    return caused
                continue
            quantity = min(order.leaves, maker.shown)
            self.trade(order, maker, maker.price, quantity, order.side)
            caused.append(maker.price)
            maker.shown -= quantity
            if not maker.leaves:
                self.end(maker, "filled", "none")
            elif not maker.shown:
                maker.shown = min(maker.display, maker.leaves)
                self.queue.remove(maker)
                self.queue.append(maker)
        if not order.leaves:
            self.end(order, "filled", "none")
        elif order.type == "market" or order.tif in ("ioc", "fok"):
            self.end(order, "canceled", "ioc_remainder" if order.cum else "no_liquidity")
        else:
            self.rest(order)
        return caused

    def rest(self, order):
        order.shown = min(order.display or order.leaves, order.leaves)
        if order.status != "partially_filled":
            order.status = "new"
        self.queue.append(order)

    def run_stops(self, prices):
        while prices and self.phase == "continuous":
            due = [o for o in self.stops if (max(prices) >= o.stop if o.side == "buy" else min(prices) <= o.stop)]
            if not due:
                return
            self.activate(order := min(due, key=lambda o: o.age))
            prices = prices + self.enter(order)

    def activate(self, order):
        if order in self.stops:
            self.stops.remove(order)
        order.type = "market" if order.type == "stop" else "limit"
        order.status = "new"

    # ---- events ----

    def new(self, e, now):
        self.age += 1
        o = Order(e["order_id"], e["side"], e["order_type"], e["tif"],
                  e["price"] if e["order_type"] in ("limit", "stop_limit") else None, e["quantity"], e["quantity"],
                  e["display_quantity"], e["stop_price"], e["min_quantity"], e["post_only"],
                  e["trader_id"], e["trader_id"], e["expires"], self.age)
        self.all.append(o)
        if o.id in self.live:
            o.status, o.reason = "rejected", "duplicate_order_id"
            return
        if self.phase in ("halt", "closed") or (self.phase == "auction" and o.type == "limit" and o.tif in ("ioc", "fok")):
            o.status, o.reason = "rejected", "phase_closed"
            return
        stop = o.type in ("stop", "stop_limit")
        if not stop and o.post_only and self.phase == "continuous" and self.other(o):
            o.status, o.reason = "rejected", "post_only_would_trade"
            return
        self.live[o.id] = o
        if stop:
            reached = self.phase == "continuous" and self.last is not None and (
                self.last >= o.stop if o.side == "buy" else self.last <= o.stop)
            if not reached:
                o.status = "pending_trigger"
                self.stops.append(o)
                return
            self.activate(o)
        self.run_stops(self.enter(o))

    def amend(self, e):
        o = self.live.get(e["order_id"])
        if o is None or self.phase in ("halt", "closed"):
            return
        if e["new_price"] is not None and o.price is None:
            return
        price = o.price if e["new_price"] is None else e["new_price"]
        quantity = o.quantity if e["new_quantity"] is None else e["new_quantity"]
        display = o.display if e["display_quantity"] is None else e["display_quantity"]
        if quantity <= o.cum:
            o.quantity, o.leaves = o.cum, Decimal(0)
            self.end(o, "filled", "reduced_to_filled")
            return
        more = display is not None and o.display is not None and display > o.display
        pending = o in self.stops
        if not pending and price == o.price and quantity <= o.quantity and not more:
            o.leaves -= o.quantity - quantity
            o.quantity, o.display = quantity, display
            o.shown = min(o.shown, o.leaves, display or o.leaves)
            return
        o.leaves += quantity - o.quantity
        o.price, o.quantity, o.display = price, quantity, display
        self.age += 1
        o.age = self.age
        if pending:
            self.stops.remove(o)
            self.stops.append(o)
            return
        self.queue.remove(o)
        o.shown = Decimal(0)
        self.run_stops(self.enter(o))

    def cancel(self, e):
        if (o := self.live.get(e["order_id"])) is not None:
            self.end(o, "canceled", "user_request")

    def mass_cancel(self, side, trader):
        for o in sorted(self.live.values(), key=lambda o: o.age):
            if side in (None, o.side) and trader in (None, o.trader):
                self.end(o, "canceled", "user_request")

    def pass_time(self, now):
        for o in sorted(self.live.values(), key=lambda o: o.age):
            if o.tif == "gtd" and o.expires <= now:
                self.end(o, "expired", "none")

    def change_phase(self, phase):
        before, self.phase = self.phase, phase
        caused = self.uncross() if before == "auction" != phase else []
        if phase == "closed":
            for o in sorted(self.live.values(), key=lambda o: o.age):
                if o.tif == "day":
                    self.end(o, "expired", "day_end")
        self.run_stops(caused)

    def uncross(self):
        buys, sells = self.resting("buy"), self.resting("sell")
        best = []
        for p in sorted({o.price for o in buys + sells if o.price is not None}):
            buy = sum((o.leaves for o in buys if o.price is None or o.price >= p), Decimal(0))
            sell = sum((o.leaves for o in sells if o.price is None or o.price <= p), Decimal(0))
            best.append((min(buy, sell), -abs(buy - sell), p, buy - sell))
        best = [b for b in best if b[0] > 0]
        caused = []
        if best:
            ties = [b for b in best if b[:2] == max(best)[:2]]
            if all(b[3] < 0 for b in ties):
                volume, _, price, _ = ties[0]
            elif all(b[3] > 0 for b in ties) or self.last is None:
                volume, _, price, _ = ties[-1]
            else:
                volume, _, price, _ = min(ties, key=lambda b: (abs(b[2] - self.last), -b[2]))
            while volume:
                buyer, seller = self.resting("buy")[0], self.resting("sell")[0]
                quantity = min(buyer.leaves, seller.leaves, volume)
                self.trade(buyer, seller, price, quantity, None)
                volume -= quantity
                caused.append(price)
                for o in (seller, buyer):
                    o.shown = min(o.shown, o.leaves)
                    if not o.leaves:
                        self.end(o, "filled", "none")
        for o in [o for side in ("buy", "sell") for o in self.resting(side) if o.price is None]:
            self.end(o, "canceled", "ioc_remainder" if o.cum else "no_liquidity")
        return caused
