/** The browser SDK, 2.0.0: `<script src="{host}/scdk/2.0.0/scdk.js"></script>` defines `window.scDK`. */

export type Broker =
  | "aliceblue" | "angelbroking" | "axis" | "dhan" | "edelweiss" | "fisdom" | "fivepaisa" | "fundzbazar" | "groww"
  | "hdfc" | "icici" | "iifl" | "kite" | "kotak" | "motilal" | "trustline" | "upstox";

export interface Config {
  /** Place orders for the next open while the market is closed. Default: false. */
  amo?: boolean;
  /** An element or its selector: the checkout is shown in an iframe inside it instead of a window. */
  target?: string | Element;
  /** A page on an allowed origin, or an app's address: the checkout replaces this page and returns there. */
  redirectUrl?: string;
}

export interface Options {
  /** The gateway's name. */
  gateway: string;
  /** A JWT that your server has signed: `{"guest": true}` or `{"smallcaseAuthId": "…"}`. Without one, a guest. */
  smallcaseAuthToken?: string | null;
  /** Accepted, and not used. */
  userData?: object;
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
  /** A connected JWT for this user, valid for one hour. */
  smallcaseAuthToken: string;
  broker: Broker;
  notes: string | null;
  /** Whether this user was new to you. */
  signup: boolean;
  /** The orders so far, for TRANSACTION, CANCEL_ORDER and CANCEL_AMO. Webhooks report later changes. */
  orderBatches?: Batch[];
  scid?: string;
  iscid?: string;
  name?: string;
  /** FETCH_FUNDS: rupees. */
  funds?: number;
  /** SIP_SETUP. */
  sipDetails?: Record<string, unknown> | null;
}

/** What every rejection is. Codes from 5001 on are the SDK's, the others the gateway's. */
export declare class ScdkError extends Error {
  code:
    | 1001 | 1002 | 1003 | 1004 | 1005 | 1006 | 1007 | 1008 | 1010 | 1011 | 1012 | 1013 | 2000 | 2001 | 3000 | 3001
    | 3002 | 4003 | 4004 | 4005 | 4006 | 5001 | 5003 | 5004 | 5005 | 5006 | 5007 | 5008 | 5009;
  data: {
    /** The user, after a login in the window that this page opened; for 1001 only the broker. */
    smallcaseAuthToken?: string;
    broker?: Broker;
    /**
     * For a 1012 that does not end the transaction: `open`, it may still be confirmed in the window that logged in;
     * `done`, it was confirmed. Read the transaction details on your server before you offer it again.
     */
    state?: "open" | "done";
    /** For not_allowed and internal_error: the gateway's response. */
    status?: number;
    errorType?: string;
    errors?: string[];
    /** For not_supported. */
    method?: string;
  };
  toJSON(): { code: number; message: string; data: object };
}

declare class scDK {
  static readonly version: "2.0.0";
  /** Throws an {@link ScdkError}: invalid_gateway, invalid_jwt, invalid_user_data. */
  constructor(options: Options);
  /** Switches to another user; without a token, to a guest. */
  init(options?: { smallcaseAuthToken?: string | null; userData?: object }): Promise<{ gateway: string }>;
  /**
   * Shows the checkout: in a window if it is called in a click handler, otherwise over the page. Always settles:
   * resolves when the user leaves a confirmed checkout, otherwise rejects with an {@link ScdkError}.
   * `brokers`: only these are offered; unknown ones are ignored.
   */
  triggerTransaction(options: { transactionId: string; brokers?: string[] }): Promise<Response>;
  /** Not served by this gateway: these reject with not_supported. */
  brokerLogout(options?: object): Promise<never>;
  showOrders(options?: object): Promise<never>;
  openSmallplug(options?: object): Promise<never>;
  triggerMfTransaction(options?: object): Promise<never>;
  triggerLeadGen(options?: object): Promise<never>;
  markArchived(options?: object): Promise<never>;
  connect(options?: object): Promise<never>;
  /**
   * For redirect mode, on the page that the user returned to: the outcome. `transactionId` and `resultCode` are in the
   * page's URL. The page's secret is in its sessionStorage, so the tab and origin must be the same.
   */
  outcome(options?: { transactionId?: string; resultCode?: string }): Promise<Response>;
}

declare global {
  interface Window {
    scDK: typeof scDK;
    ScdkError: typeof ScdkError;
  }
}

export default scDK;
