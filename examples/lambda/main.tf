# A Leat worker as a function behind an SQS trigger: what is the function's. The queue, its
# dead-letter queue and the table are those of ../aws/main.tf, but for the visibility
# timeout, which must be that of a function.
#
# This file is parsed by a test, and was never applied: read the plan before you do.
#
#   GOOS=linux GOARCH=arm64 go build -tags lambda.norpc -o bootstrap ./examples/lambda && zip function.zip bootstrap
#   terraform init && terraform plan

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "name" {
  description = "Name of the queue and of the function."
  type        = string
  default     = "whatif"
}

variable "timeout" {
  description = "Of an invocation, in seconds: the longest job, and a tenth."
  type        = number
  default     = 120
}

variable "concurrency" {
  description = "Invocations at a time: what the database behind the jobs bears."
  type        = number
  default     = 10
}

# Messages of an event are hidden for six times as long as an invocation may take.
# What fails comes again earlier: its delay is set message by message.
resource "aws_sqs_queue" "jobs" {
  name                       = var.name
  message_retention_seconds  = 14 * 24 * 3600
  visibility_timeout_seconds = 6 * var.timeout
  sqs_managed_sse_enabled    = true

  # The last net. A message that only waited for its turn is delivered again, too.
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = 1000
  })
}

resource "aws_sqs_queue" "dead" {
  name                      = "${var.name}-dead"
  message_retention_seconds = 14 * 24 * 3600
  sqs_managed_sse_enabled   = true
}

resource "aws_dynamodb_table" "records" {
  name         = "${var.name}-records"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "key"

  attribute {
    name = "key"
    type = "S"
  }

  ttl {
    attribute_name = "expire"
    enabled        = true
  }
}

resource "aws_lambda_function" "worker" {
  function_name = var.name
  role          = aws_iam_role.worker.arn
  filename      = "function.zip"
  handler       = "bootstrap"
  runtime       = "provided.al2023"
  architectures = ["arm64"]
  timeout       = var.timeout
  memory_size   = 1769 # one processor

  # Not below the mapping's: else messages are received, throttled and counted.
  reserved_concurrent_executions = var.concurrency

  environment {
    variables = {
      QUEUE_URL = aws_sqs_queue.jobs.url
      RECORDS   = "dynamodb://${aws_dynamodb_table.records.name}"
    }
  }
}

resource "aws_lambda_event_source_mapping" "jobs" {
  event_source_arn        = aws_sqs_queue.jobs.arn
  function_name           = aws_lambda_function.worker.arn
  batch_size              = 10
  function_response_types = ["ReportBatchItemFailures"] # Handler.Report says the same

  scaling_config {
    maximum_concurrency = var.concurrency
  }
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "worker" {
  name               = "${var.name}-function"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

data "aws_iam_policy_document" "worker" {
  statement {
    sid = "Queue"
    actions = [
      "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", # of the trigger
      "sqs:ChangeMessageVisibility", "sqs:SendMessage", "sqs:GetQueueUrl", # of the worker
    ]
    resources = [aws_sqs_queue.jobs.arn]
  }
  statement {
    sid       = "Records"
    actions   = ["dynamodb:PutItem", "dynamodb:BatchGetItem", "dynamodb:DescribeTable"]
    resources = [aws_dynamodb_table.records.arn]
  }
  statement {
    sid       = "Log"
    actions   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["arn:aws:logs:*:*:log-group:/aws/lambda/${var.name}:*"]
  }
}

resource "aws_iam_role_policy" "worker" {
  role   = aws_iam_role.worker.id
  policy = data.aws_iam_policy_document.worker.json
}
