"""All tables that folds write, room by room, so that the root and the store know of each. Touches nothing."""

from fedsync.crdt import booktables
from fedsync.crdt.countingtables import COUNTING_TABLES
from fedsync.crdt.factors import FACTOR_TABLES
from fedsync.crdt.lendingtables import LENDING_TABLES
from fedsync.crdt.plantables import PLAN_TABLES
from fedsync.crdt.tables import STOCK_TABLES
from fedsync.crdt.transfertables import TRANSFER_TABLES
from fedsync.crdt.worktables import WORK_TABLES

STATE_TABLES = (
    *booktables.TABLES,
    *COUNTING_TABLES,
    *STOCK_TABLES,
    *FACTOR_TABLES,
    *PLAN_TABLES,
    *TRANSFER_TABLES,
    *WORK_TABLES,
    *LENDING_TABLES,
)
