// Reads {name: query} as JSON from standard input and writes {name: {problems, columns}}: what Microsoft's parser for Kusto says about each
// query, with the tables that are asked, and the columns of its answer.
"use strict";
const path = require("node:path");
const folder = path.join(__dirname, "..", "..", "node_modules", "@kusto", "language-service-next");
require(path.join(folder, "bridge.min.js"));
require(path.join(folder, "Kusto.Language.Bridge.min.js"));
const { GlobalState, KustoCode, Symbols } = Kusto.Language;

const TABLES = {
  AppTraces: "TimeGenerated: datetime, Message: string, SeverityLevel: int, Properties: dynamic, OperationId: string, OperationName: string, AppRoleName: string",
  AppRequests: "TimeGenerated: datetime, Name: string, Success: bool, ResultCode: string, DurationMs: real, OperationId: string, OperationName: string, AppRoleName: string",
  AppExceptions: "TimeGenerated: datetime, ExceptionType: string, OuterMessage: string, OperationId: string, OperationName: string, AppRoleName: string",
  ACSEmailStatusUpdateOperational: "TimeGenerated: datetime, DeliveryStatus: string, RecipientId: string, CorrelationId: string",
  Usage: "TimeGenerated: datetime, DataType: string, Quantity: real, IsBillable: bool",
};
const tables = Object.entries(TABLES).map(([name, columns]) => new Symbols.TableSymbol.$ctor7(name, `(${columns})`, null));
const database = new Symbols.DatabaseSymbol.ctor("logs", tables);
const globals = GlobalState.Default.WithDatabase(database);

let text = "";
process.stdin.on("data", (part) => (text += part));
process.stdin.on("end", () => {
  const told = {};
  for (const [name, query] of Object.entries(JSON.parse(text))) {
    const code = KustoCode.ParseAndAnalyze(query, globals);
    const every = (list) => Array.from({ length: list ? list.Count : 0 }, (_, at) => list.getItem(at));
    told[name] = {
      problems: every(code.GetDiagnostics()).map((one) => one.Message),
      columns: every(code.ResultType && code.ResultType.Columns).map((one) => one.Name),
    };
  }
  process.stdout.write(JSON.stringify(told));
});
