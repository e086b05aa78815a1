export interface Platform {
  /** Shows `url` in a browser tab; resolves with the address that the tab returned to, or null if the user closed it. */
  open(url: string, returnUrl: string): Promise<string | null>;
  fetch?: typeof fetch;
  random?(length: number): Uint8Array;
  sha256?(bytes: Uint8Array): Promise<Uint8Array>;
}

export declare class GatewayError extends Error {
  code: number;
  data: { smallcaseAuthToken?: string; broker?: string; state?: "open" | "done"; [name: string]: unknown };
  toJSON(): { code: number; message: string; data: object };
}

export declare class Gateway {
  constructor(platform: Platform);
  setConfigEnvironment(config: {
    host: string;
    gatewayName: string;
    /** The app's address, such as acme://done; an operator allows it as an origin. */
    returnUrl: string;
    isAmoEnabled?: boolean;
    brokerList?: string[];
    environmentName?: string;
    isLeprechaun?: boolean;
  }): Promise<void>;
  init(smallcaseAuthToken?: string | null): Promise<void>;
  triggerTransaction(transactionId: string, utmParams?: object | null, brokerList?: string[]): Promise<Record<string, unknown>>;
  getSdkVersion(): string;
  archiveSmallcase(iscid?: string): Promise<never>;
  launchSmallplug(target?: string, params?: string): Promise<never>;
  logoutUser(): Promise<never>;
  showOrders(): Promise<never>;
  triggerLeadGen(userDetails?: object): Promise<never>;
  triggerMfTransaction(transactionId?: string): Promise<never>;
}
