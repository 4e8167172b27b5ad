"""All contracts, by name."""

from microstore.contracts.contract import AnyContract
from microstore.contracts.listings import ITEM_SOLD, ORDER_COMPLETED, ORDER_REJECTED, ORDER_VOIDED
from microstore.contracts.transactions import ORDER_CANCELLED, ORDER_CREATED, ORDER_EXPIRED

CONTRACTS: dict[str, AnyContract] = {
    contract.name: contract
    for contract in (
        *(ORDER_CREATED, ORDER_EXPIRED, ITEM_SOLD, ORDER_REJECTED, ORDER_COMPLETED),
        *(ORDER_CANCELLED, ORDER_VOIDED),
    )
}
SERVICES = sorted({contract.to for contract in CONTRACTS.values() if contract.to})
