"""What ministack 1.5.33 lacks or does otherwise than AWS, mended as it runs.

Each mend replaces a private function, which is why emulator.py insists on the version. Those that only
a deployed stack needs are applied when CloudFormation is first called, to keep the start short.
"""

import asyncio
import copy
import json
import re
import time
import types
from email.utils import parseaddr


def apply(app, *, auth, keep_state):
    load = app._get_module
    mended = set()

    def load_mended(name):
        module = load(name)
        if name not in mended:
            mended.add(name)
            if name in ("ses", "ses_v2"):
                every_sender_is_verified()
            elif name == "sqs":
                long_polls_end_with_a_message(module)
                if keep_state:
                    queues_survive_another_port(module)
            elif name == "cloudformation":
                nested_stacks_are_transformed()
                http_apis_answer_other_origins()
                table_expiry_is_set()
                distributions_reach_the_api(app)
                distributions_sign_for_functions()
                invocations_do_not_wait()
                stream_mappings_retry_like_lambda()
                alarms_take_expressions()
        return module

    app._get_module = load_mended
    if auth:
        policies_see_condition_keys()
        requests_came_by_tls(app)


# Mail and queues ----------------------------------------------------------------------------------


def every_sender_is_verified():
    """SES refuses senders nobody confirmed; here there is no mailbox to confirm from."""
    from ministack.services import ses

    ses._identity_verified = lambda address, *, simulator=False: True


def long_polls_end_with_a_message(sqs):
    """A long poll looks for messages every tenth of a second: it is woken when one may have become visible."""
    sleepers = set()

    async def sleep(seconds):
        sleeper = asyncio.get_running_loop().create_future()
        sleepers.add(sleeper)
        await asyncio.wait({sleeper}, timeout=seconds)
        sleepers.discard(sleeper)

    def waking(action):
        def act(data, url):
            result = action(data, url)
            for sleeper in sleepers:
                if not sleeper.done():
                    sleeper.set_result(None)
            return result

        return act

    sqs.asyncio = types.SimpleNamespace(iscoroutine=asyncio.iscoroutine, sleep=sleep)
    for name in ("SendMessage", "SendMessageBatch", "ChangeMessageVisibility", "ChangeMessageVisibilityBatch"):
        sqs._HANDLERS[name] = waking(sqs._HANDLERS[name])


def queues_survive_another_port(sqs):
    """Queues are stored under their URL; with the port of this run in it, the next run would not find them.
    What callers see is made from the address they called."""
    sqs.DEFAULT_PORT = "4566"
    sqs._CANONICAL_NETLOC = f"{sqs.DEFAULT_HOST}:{sqs.DEFAULT_PORT}"


# IAM ----------------------------------------------------------------------------------------------


OUTBOUND_MAIL = "/v2/email/outbound-emails"


class Action(str):
    """The name of an IAM action, with the condition keys of the request it was read from."""

    def __new__(cls, name, keys):
        action = super().__new__(cls, name)
        action.keys = keys
        return action


class Sending(str):
    """The identity that a mail is sent as; its configuration set, if it names one, must be allowed too."""

    def __new__(cls, arn, sender, configuration_set):
        identity = super().__new__(cls, f"{arn}:identity/{sender}")
        identity.others = [f"{arn}:configuration-set/{configuration_set}"] if configuration_set else []
        return identity


def policies_see_condition_keys():
    """Adds `dynamodb:LeadingKeys` and `ses:FromAddress`, and the identity and the configuration set that a mail
    is sent with: the policies of this project are written with them."""
    from ministack.core import iam_actions, iam_evaluator

    action_of, resource_of = iam_actions.extract_iam_action, iam_actions.extract_resource_arn
    enforce = iam_evaluator.enforce

    def action_with_keys(service, method, path, headers, body, query_params):
        name = action_of(service, method, path, headers, body, query_params)
        if service == "dynamodb" and name:
            return Action(name, leading_keys(name.partition(":")[2], _json(body)))
        if service == "ses" and path == OUTBOUND_MAIL:
            return Action(name, {"ses:FromAddress": _sender(body)})
        if service == "sqs" and name:
            return name.removesuffix("Batch")  # IAM knows no batch actions: sqs:SendMessage allows both
        return name

    def resource_with_identity(service, method, path, headers, body, query_params, region, account):
        if service == "ses" and path == OUTBOUND_MAIL:
            return Sending(f"arn:aws:ses:{region}:{account}", _sender(body), _json(body).get("ConfigurationSetName"))
        return resource_of(service, method, path, headers, body, query_params, region, account)

    def enforce_with_keys(access_key, action, service, region, resource_arn="*", service_context=None):
        context = {**(service_context or {}), **getattr(action, "keys", {})}
        for arn in [resource_arn, *getattr(resource_arn, "others", [])]:
            denied = enforce(access_key, action, service, region, resource_arn=arn, service_context=context)
            if denied:
                break
        return denied

    iam_actions.extract_iam_action = action_with_keys
    iam_actions.extract_resource_arn = resource_with_identity
    iam_actions.dynamodb_transaction_checks = transaction_checks
    iam_evaluator.enforce = enforce_with_keys


def requests_came_by_tls(app):
    """Nothing here speaks TLS, which the policies of buckets insist on."""
    pin = app.pin_request_origin
    app.pin_request_origin = lambda source_ip, _: pin(source_ip, True)


def transaction_checks(name, body, region, account):
    """A transaction is authorised as the actions in it: each action once per table, with all its keys together,
    so one statement has to allow them all."""
    from ministack.core import iam_actions

    if name not in ("dynamodb:TransactWriteItems", "dynamodb:TransactGetItems"):
        return []
    keys = {}
    for item in _json(body).get("TransactItems") or []:
        for member, detail in item.items():
            action = iam_actions._DYNAMODB_TRANSACT_ITEM_ACTIONS.get(member)
            if action and detail.get("TableName"):
                table = detail["TableName"]
                value = _partition_value(table, detail.get("Key") or detail.get("Item"))
                keys.setdefault((action, table), []).append(value)
    return [
        (Action(action, {"dynamodb:LeadingKeys": values}), iam_actions._dynamodb_table_arn(table, region, account))
        for (action, table), values in keys.items()
    ]


def leading_keys(operation, request):
    """The partition key values a request names. A Scan names none, and AWS leaves the key out then; elsewhere
    one that cannot be read becomes an empty value, which no pattern allows."""
    table, values = request.get("TableName"), []
    if operation in ("GetItem", "UpdateItem", "DeleteItem"):
        values.append(_partition_value(table, request.get("Key")))
    elif operation == "PutItem":
        values.append(_partition_value(table, request.get("Item")))
    elif operation == "Query":
        values.append(_queried_value(request))
    elif operation == "BatchGetItem":
        for name, wanted in (request.get("RequestItems") or {}).items():
            values += [_partition_value(name, key) for key in wanted.get("Keys", [])]
    elif operation == "BatchWriteItem":
        for name, writes in (request.get("RequestItems") or {}).items():
            for write in writes:
                detail = next(iter(write.values()))
                values.append(_partition_value(name, detail.get("Item") or detail.get("Key")))
    else:
        return {}
    return {"dynamodb:LeadingKeys": values or [""]}


def _partition_value(table, attributes, index=None):
    from ministack.services import dynamodb

    record = dynamodb._tables.get((table or "").rpartition("/")[2]) or {}
    name = record.get("pk_name")
    for other in record.get("GlobalSecondaryIndexes") or []:
        if other["IndexName"] == index:
            name = next(key["AttributeName"] for key in other["KeySchema"] if key["KeyType"] == "HASH")
    value = (attributes or {}).get(name) or {"S": ""}
    return str(next(iter(value.values())))


def _queried_value(request):
    names, values = request.get("ExpressionAttributeNames") or {}, request.get("ExpressionAttributeValues") or {}
    equal = {
        names.get(name, name): values.get(value)
        for name, value in re.findall(r"([#\w]+)\s*=\s*(:\w+)", request.get("KeyConditionExpression") or "")
    }
    return _partition_value(request.get("TableName"), equal, request.get("IndexName"))


def _sender(body):
    return parseaddr(_json(body).get("FromEmailAddress") or "")[1]


def _json(body):
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


# Stacks -------------------------------------------------------------------------------------------


def nested_stacks_are_transformed():
    """ministack applies SAM's transform to the root stack only."""
    from ministack.services.cloudformation import engine

    parse = engine._parse_template  # looked up there for nested stacks alone

    engine._parse_template = lambda body: engine._apply_transforms(parse(body))


def http_apis_answer_other_origins():
    """ministack takes the CORS settings of an API from CloudFormation as they are, and reads them in camel case."""
    from ministack.services.cloudformation import provisioners

    handlers = provisioners._RESOURCE_HANDLERS["AWS::ApiGatewayV2::Api"]
    create_api = handlers["create"]

    def create(logical_id, properties, stack):
        if cors := properties.get("CorsConfiguration"):
            cors = {name[0].lower() + name[1:]: value for name, value in cors.items()}
            properties = {**properties, "CorsConfiguration": cors}
        return create_api(logical_id, properties, stack)

    handlers["create"] = create


# Table --------------------------------------------------------------------------------------------


def table_expiry_is_set():
    """CloudFormation's TimeToLiveSpecification is dropped otherwise."""
    from ministack.services import dynamodb
    from ministack.services.cloudformation import provisioners

    handlers = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]
    create_table = handlers["create"]

    def create(logical_id, properties, stack):
        name, attributes = create_table(logical_id, properties, stack)
        if expiry := properties.get("TimeToLiveSpecification"):
            enabled = str(expiry["Enabled"]).lower() == "true"
            dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": {**expiry, "Enabled": enabled}})
        return name, attributes

    handlers["create"] = create


# CloudFront ---------------------------------------------------------------------------------------


def distributions_reach_the_api(app):
    """An origin `<api>.execute-api.<region>.amazonaws.com` is the HTTP API deployed here, not a host to dial."""
    from ministack.services import cloudfront

    app._EXECUTE_API_RE = re.compile(r"^([a-f0-9]{8})\.execute-api\.")
    connect = cloudfront._origin_connect_target

    def connect_here(origin, viewer_is_https):
        if ".execute-api." in origin["domain_name"]:
            return "127.0.0.1", int(app._resolve_port()), False
        return connect(origin, viewer_is_https)

    cloudfront._origin_connect_target = connect_here


def distributions_sign_for_functions():
    """An origin with an access control of type `lambda` is called in the distribution's name: signed, and let in if
    the function's own policy lets the distribution call both the URL and, by it, the function."""
    from ministack.services import cloudfront, lambda_svc

    fetch = cloudfront._fetch_from_function_url_origin

    def lets_in(statement, action, condition):
        conditions = statement.get("Condition", {})
        ours = {distribution["ARN"] for distribution in cloudfront._distributions.values()}
        return (
            (statement["Principal"], statement["Action"]) == ({"Service": "cloudfront.amazonaws.com"}, action)
            and conditions.pop("ArnLike", {}).get("AWS:SourceArn") in ours
            and conditions == condition
        )

    async def fetch_signed(host, origin, method, uri, query_string, headers, *rest):
        control = cloudfront._oacs.get(origin["oac_id"], {})
        if control.get("OriginAccessControlOriginType") == "lambda" and control["SigningBehavior"] == "always":
            name = lambda_svc.resolve_function_url(host.partition(".")[0])[2]
            statements = lambda_svc._functions[name]["policy"]["Statement"]
            wanted = {
                "lambda:InvokeFunctionUrl": {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}},
                "lambda:InvokeFunction": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
            }
            if all(
                any(lets_in(copy.deepcopy(statement), *permission) for statement in statements)
                for permission in wanted.items()
            ):
                scope = "test/20260101/us-east-1/lambda/aws4_request"
                signature = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
                headers = {**headers, "authorization": signature}
        return await fetch(host, origin, method, uri, query_string, headers, *rest)

    cloudfront._fetch_from_function_url_origin = fetch_signed


def as_viewer_of_the_distribution(scope):
    """A request as the one distribution's viewer sends it: its host name, over HTTPS."""
    from ministack.services import cloudfront

    for _scoped_id, distribution in cloudfront._distributions._data.items():
        headers = [header for header in scope["headers"] if header[0] not in (b"host", b"x-forwarded-proto")]
        headers += [(b"host", distribution["DomainName"].encode()), (b"x-forwarded-proto", b"https")]
        return {**scope, "headers": headers}
    return scope


# Lambda -------------------------------------------------------------------------------------------


def invocations_do_not_wait():
    """An invocation took 100 ms more than its work: a delayed acknowledgement and a wait for log lines."""
    import socketserver

    from ministack.core.lambda_runtime import Worker

    socketserver.StreamRequestHandler.disable_nagle_algorithm = True
    Worker._drain_stderr_bounded.__defaults__ = (0.001, 0.001, 0.05)


def stream_mappings_retry_like_lambda():
    """ministack repeats a failed batch of stream records for ever and takes no partial answer. Lambda goes on
    from the first record reported as failed, bisects, gives up after MaximumRetryAttempts, if there are any, and
    then tells the OnFailure queue. Ages of records are not looked at: no account here lives for hours."""
    from ministack.core.responses import request_scope
    from ministack.services import dynamodb
    from ministack.services import lambda_svc as svc

    retries = {}  # mapping -> (attempts made, size of the batch to try next)
    positions = svc._dynamodb_stream_positions

    def poll():
        busy = False
        for account, region, mapping in svc._iter_all_esms():
            name, source = mapping["UUID"], mapping["EventSourceArn"]
            waits = svc._esm_inflight.get(name) or svc._esm_backoff_until.get(name, 0) > time.time()
            if ":dynamodb:" not in source or name not in positions or not mapping.get("Enabled", True) or waits:
                continue
            with request_scope(account, region):
                function, _ = svc._get_func_record_for_qualifier(mapping["FunctionName"], mapping.get("Qualifier"))
                size = retries.get(name, (0, mapping["BatchSize"]))[1]
                batch = dynamodb.stream_records_since(source.split("/")[1], positions[name], size)
                if function and batch:
                    svc._dispatch_esm_batch(name, run, mapping, function, batch)
                    busy = True
        return busy

    def run(mapping, function, batch):
        name = mapping["UUID"]
        records = svc._apply_filter_criteria(batch, mapping)
        result = svc._execute_function(function, {"Records": records}) if records else {}
        done = handled(mapping, batch, result)
        attempts, size = retries.pop(name, (0, mapping["BatchSize"]))
        if done == 0:
            if len(batch) > 1 and mapping.get("BisectBatchOnFunctionError"):
                retries[name] = (attempts, (len(batch) + 1) // 2)
            elif attempts == mapping.get("MaximumRetryAttempts", -1):
                source = mapping["EventSourceArn"]
                svc._send_ddb_stream_failure_record(mapping, function, batch, source, result, "RetryAttemptsExhausted")
                done = len(batch)
            else:
                retries[name] = (attempts + 1, size)
                svc._esm_backoff_until[name] = time.time() + min(0.1 * 2 ** min(attempts, 6), 5)
        positions[name] += done

    def handled(mapping, batch, result):
        """How many records from the start of the batch need not be sent again."""
        if result.get("error"):
            return 0
        body = result.get("body")
        if "ReportBatchItemFailures" not in mapping["FunctionResponseTypes"] or not isinstance(body, dict):
            return len(batch)
        failed = {failure.get("itemIdentifier") for failure in body.get("batchItemFailures") or []}
        numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
        if failed - set(numbers):
            return 0  # an identifier that was not in the batch fails it whole
        return min((numbers.index(number) for number in failed), default=len(batch))

    svc._poll_dynamodb_streams = poll
    svc._ESM_IDLE_WAKE_GAP_SECONDS = 0.002


def alarms_take_expressions():
    """ministack refuses alarms on metric math. Nothing here evaluates alarms, so one on an expression is recorded
    as one on the first metric that the expression uses."""
    from ministack.services.cloudformation import provisioners

    record = provisioners._cw_metric_alarm_record

    def record_first_metric(name, props):
        stats = [metric["MetricStat"] for metric in props.get("Metrics") or [] if "MetricStat" in metric]
        if stats:
            first = stats[0]
            props = {key: value for key, value in props.items() if key != "Metrics"}
            props |= first["Metric"] | {"Period": first["Period"], "Statistic": first["Stat"]}
        return record(name, props)

    provisioners._cw_metric_alarm_record = record_first_metric
