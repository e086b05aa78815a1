/** The browser SDK, 2.0.0: `<script src="{host}/scdk/2.0.0/scdk.js"></script>` defines `window.scDK`. */

export type Broker =
  | "aliceblue" | "angelbroking" | "axis" | "dhan" | "edelweiss" | "fisdom" | "fivepaisa" | "fundzbazar" | "groww"
  | "hdfc" | "icici" | "iifl" | "kite" | "kotak" | "motilal" | "trustline" | "upstox";

export interface Config {
  /** Place orders for the next open while the market is closed. Default: false. */
  amo?: boolean;
  /** An element, or its selector: the checkout is shown in an iframe in it, and not in a popup. */
  target?: string | Element;
  /** A page of an allowed origin: the checkout takes the place of this page, and returns there. */
  redirectUrl?: string;
}

export interface Options {
  /** The gateway's name. */
  gateway: string;
  /** A JWT that your server has signed: `{"guest": true}` or `{"smallcaseAuthId": "…"}`. */
  smallcaseAuthToken: string;
  config?: Config;
}

export type OrderStatus =
  | "PLACED" | "ERROR" | "COMPLETE" | "PARTIAL" | "REJECTED" | "CANCELLED" | "CANCELLED AMO";

export interface Order {
  tradingsymbol: string;
  transactionType: "BUY" | "SELL";
  orderType: "MARKET" | "LIMIT" | "SL" | "SLM";
  status: OrderStatus;
  quantity: number;
  filledQuantity: number;
  averagePrice: number | null;
  product: "CNC";
  exchange: "NSE";
  exchangeOrderId: string | null;
  price: number | null;
  triggerPrice: number | null;
  validity: "DAY" | "IOC";
  orderTimestamp: string | null;
  errorCode: string | null;
  statusMessage: string | null;
}

export type BatchStatus =
  | "ERROR" | "PLACED" | "PARTIALLYPLACED" | "COMPLETED" | "PARTIALLYFILLED" | "UNFILLED" | "UNPLACED" | "CANCELLED"
  | "MARKEDCOMPLETE";

export interface Batch {
  batchId: string;
  transactionId: string;
  variety: "regular" | "amo";
  label: "BUY" | "INVESTMORE" | "SIP" | "PARTIALEXIT" | "SELLALL" | "MANAGE" | "REBALANCE" | "FIX" | null;
  originalLabel: string | null;
  /** Securities, not shares. */
  quantity: number;
  /** Securities filled completely. */
  filled: number;
  buyAmount: number;
  sellAmount: number;
  completedDate: string | null;
  status: BatchStatus;
  orders: Order[];
  unplaced: Order[];
  broker: Broker;
  notes: string | null;
  scid?: string;
  iscid?: string;
  name?: string;
}

export interface Response {
  transactionId: string;
  /** A connected JWT for this user, good for an hour. */
  smallcaseAuthToken: string;
  broker: Broker;
  notes: string | null;
  /** Whether this user was new to you. */
  signup: boolean;
  /** The orders so far, of TRANSACTION, CANCEL_ORDER and CANCEL_AMO; webhooks tell what becomes of them. */
  orderBatches?: Batch[];
  scid?: string;
  iscid?: string;
  name?: string;
  /** FETCH_FUNDS: rupees. */
  funds?: number;
  /** SIP_SETUP. */
  sipDetails?: Record<string, unknown> | null;
}

/** Every rejection. Codes from 5001 on are the SDK's own, the others the gateway's. */
export interface Rejection {
  code:
    | 1001 | 1002 | 1003 | 1004 | 1005 | 1006 | 1007 | 1008 | 1010 | 1011 | 1012 | 1013 | 2000 | 2001 | 3000 | 3001
    | 3002 | 4003 | 4004 | 4005 | 4006 | 5001 | 5002 | 5003 | 5004 | 5005;
  message: string;
  data: {
    /** Who it was, once a login succeeded in the window that this page opened; of 1001 the broker alone. */
    smallcaseAuthToken?: string;
    broker?: Broker;
    /**
     * Of a 1012 that leaves the transaction as it is: `open`, it may still be confirmed in the window where somebody
     * logged in; `done`, it was confirmed. Ask your server for the transaction details before you offer it again.
     */
    state?: "open" | "done";
    /** not_allowed, internal_error: what the gateway said. */
    status?: number;
    errorType?: string;
    errors?: string[];
  };
}

declare class scDK {
  static readonly version: "2.0.0";
  /** Throws a TypeError when gateway or token is missing. */
  constructor(options: Options);
  /** Go on for another user. */
  init(options: { smallcaseAuthToken: string }): Promise<{ gateway: string }>;
  /**
   * Shows the checkout. Call it in the user's click, or no popup opens. Settles always: resolves when the user leaves
   * a checkout that was confirmed, rejects with a {@link Rejection} otherwise.
   */
  triggerTransaction(options: { transactionId: string; brokers?: Broker[] }): Promise<Response>;
  /**
   * Redirect mode, on the page that the user returned to: how it ended. `transactionId` and `resultCode` are in the
   * page's address; the page's own secret is in its sessionStorage, so it has to be the same tab and origin.
   */
  outcome(options?: { transactionId?: string; resultCode?: string }): Promise<Response>;
}

declare global {
  interface Window {
    scDK: typeof scDK;
  }
}

export default scDK;
