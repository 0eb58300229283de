"""All tables that folds write, room by room, so that the root and the store know of each. Touches nothing."""

from fedsync.crdt.books import booktables, urgenttables
from fedsync.crdt.books.addresstables import ADDRESS_TABLES
from fedsync.crdt.books.carriedtables import CARRIED_TABLES
from fedsync.crdt.goods.factors import FACTOR_TABLES
from fedsync.crdt.goods.tables import STOCK_TABLES
from fedsync.crdt.goods.transfertables import TRANSFER_TABLES
from fedsync.crdt.logs.countingtables import COUNTING_TABLES
from fedsync.crdt.plans.plantables import PLAN_TABLES
from fedsync.crdt.work.lendingtables import LENDING_TABLES
from fedsync.crdt.work.worktables import WORK_TABLES

STATE_TABLES = (
    *booktables.TABLES,
    *ADDRESS_TABLES,
    *CARRIED_TABLES,
    *urgenttables.TABLES,
    *COUNTING_TABLES,
    *STOCK_TABLES,
    *FACTOR_TABLES,
    *PLAN_TABLES,
    *TRANSFER_TABLES,
    *WORK_TABLES,
    *LENDING_TABLES,
)
